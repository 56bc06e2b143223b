"""The database itself refuses to change or delete a version of an article.

Two exceptions: forgetting who wrote it (the account was removed), and a purge that says so with
`SET LOCAL footnote.purge = 'on'`, which is how an article is deleted for good.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION kb_refuse_version_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF current_setting('footnote.purge', true) = 'on' THEN RETURN OLD; END IF;
    RAISE EXCEPTION 'version % of article % is immutable: it cannot be deleted', OLD.number, OLD.article_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.author_id IS NULL
     AND (to_jsonb(NEW) - 'author_id') = (to_jsonb(OLD) - 'author_id') THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'version % of article % is immutable: save a new version instead', OLD.number, OLD.article_id
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER kb_articleversion_immutable BEFORE UPDATE OR DELETE ON kb_articleversion
  FOR EACH ROW EXECUTE FUNCTION kb_refuse_version_change();
"""
BACKWARD = """
DROP TRIGGER kb_articleversion_immutable ON kb_articleversion;
DROP FUNCTION kb_refuse_version_change();
"""


class Migration(migrations.Migration):
    dependencies = [("kb", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
