import pytest
from tests.pages.test_canaries import *
def test_dbg(aviary, editor, reader):
    c = Client(); c.force_login(editor)
    r = c.get("/editor/"); print(r.status_code, r.headers.get("Location"), len(r.content)); print("kakapo" in r.content.decode())
    r = c.get(f"/editor/articles/{aviary[2].pk}/"); print(r.status_code, "kakapo" in r.content.decode())
    for p in paths(): 
        c.get(p)
        if "_auth_user_id" not in c.session: print("logged out by", p); break
    c.force_login(reader)
    r = c.get("/search/?q=lays+eggs"); print(r.status_code, [f.url for f in r.context["found"]] if "found" in r.context else r.context["form"].errors)
    from kb.retrieval import retrieve
    print([(h.slug, h.score, h.ranks, h.parts) for h in retrieve("lays eggs", user=reader)])
