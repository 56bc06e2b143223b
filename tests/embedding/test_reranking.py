"""The reranker's rule: its formulas against plain loops, its order, its fallbacks, and its speed."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.embedding import QuestionVectors, passage_vectors, question_vectors
from kb.reranking import (
    WINDOW,
    Candidate,
    Rule,
    Title,
    maxsim,
    rerank,
    sentence_cosines,
    title_score,
    token_weights,
    weighted_maxima,
)

TEXTS = [
    "Reset the password\nOpen the account page. Choose a new password and confirm it.",
    "Paint the wall\nTake a brush. Paint from top to bottom.",
    "Connect the printer\nPlug in the cable. The password of the network is on the router.",
]


@pytest.fixture
def question():
    return question_vectors("How do I reset my password?")


@pytest.fixture
def weights(question):
    return token_weights(question, [])


def candidates(texts=TEXTS, **values):
    question = question_vectors("How do I reset my password?")
    return [
        Candidate(
            article=number,
            cosine=float(vectors.vector @ question.vector),
            words=0.0,
            bits=vectors.bits,
            sentences=vectors.sentences,
            **values,
        )
        for number, vectors in enumerate(passage_vectors(texts))
    ]


def order(ranked):
    return [place.index for place in ranked]


def test_maxsim_is_the_weighted_best_match_of_each_word(question):
    weights = np.arange(1, len(question.ids) + 1, dtype=np.float32)
    blobs = [candidate.bits for candidate in candidates()]
    for score, blob in zip(maxsim(question, blobs, weights)[0], blobs, strict=True):
        rows = np.unpackbits(np.frombuffer(blob, np.uint8).reshape(-1, 48), axis=1)
        signs = np.where(rows == 1, 1.0, -1.0)
        total = sum(w * max(q @ s for s in signs) for w, q in zip(weights, question.tokens, strict=True))
        assert score == pytest.approx(total / weights.sum() / np.sqrt(384), abs=1e-4)


def test_maxsim_of_a_word_with_itself_is_near_its_bound(question, weights):
    # the expected cosine of a vector with its own signs is sqrt(2/pi)
    [same], _ = maxsim(question, [np.packbits(question.tokens > 0, axis=1).tobytes()], weights)
    assert same == pytest.approx(np.sqrt(2 / np.pi), abs=0.02)


def test_a_candidate_without_bits_has_no_maxsim(question, weights):
    for scores in maxsim(question, [b"", candidates()[0].bits, b""], weights):
        assert np.isnan(scores).tolist() == [True, False, True]


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_the_best_window_is_the_best_of_all_runs_of_eight(lengths, seed):
    random = np.random.default_rng(seed)
    dots = random.normal(size=(3, sum(lengths))).astype(np.float32)
    weights = np.array([1.0, 2.0, 0.5], np.float32)
    whole, window = weighted_maxima(dots, np.array(lengths), weights)
    for place, passage in enumerate(np.split(dots, np.cumsum(lengths)[:-1], axis=1)):
        runs = [passage[:, start : start + WINDOW] for start in range(max(1, lengths[place] - WINDOW + 1))]
        assert whole[place] == pytest.approx(weights @ passage.max(axis=1), abs=1e-4)
        assert window[place] == pytest.approx(max(weights @ run.max(axis=1) for run in runs), abs=1e-4)


def test_words_that_stand_together_outrank_words_far_apart(question, weights):
    together = "Reset the password. " + "Paint the wall from top to bottom with a broad brush. " * 4
    apart = "Reset the clock. " + "Paint the wall from top to bottom with a broad brush. " * 4 + "A password is secret."
    near, far = candidates([apart, together])
    _, (first, second) = maxsim(question, [near.bits, far.bits], weights)
    assert second > first


def test_the_cosine_is_that_of_the_best_sentence(question):
    blobs = [candidate.sentences for candidate in candidates()]
    for score, blob in zip(sentence_cosines(question.vector, blobs), blobs, strict=True):
        rows = np.frombuffer(blob, np.int8).reshape(-1, 384).astype(np.float32)
        assert score == pytest.approx(max(row @ question.vector / np.linalg.norm(row) for row in rows), abs=1e-6)


def test_words_weigh_by_idf_and_stop_words_little(question):
    spans = [(0, 3, 9.0), (4, 6, 9.0), (9, 14, 3.0), (18, 26, 5.0)]
    assert token_weights(question, spans).tolist() == pytest.approx([0.101, 0.101, 0.101, 3.001, 0.101, 5.001])


@pytest.mark.parametrize(
    ("title", "score"),
    [
        (Title(0.9, 8), 0.5),
        (Title(0.9, 20), 0.5),
        (Title(0.9, 2), 0.125),
        (Title(0.4, 8), 0.0),
        (Title(-1.0, 8), 0.0),
        (Title(), 0.0),
    ],
)
def test_a_title_counts_when_it_is_a_sentence_near_the_question(title, score):
    assert title_score(title) == pytest.approx(score)


def test_the_passage_about_the_question_comes_first(question, weights):
    ranked = rerank(candidates(), question, weights=weights)
    assert order(ranked)[0] == 0
    assert ranked[0].article_score == pytest.approx(1.5 * ranked[0].cosine + ranked[0].maxsim + ranked[0].window)


def test_an_article_takes_the_best_of_each_part_from_all_its_chunks(question, weights):
    password, wall, printer = candidates()
    parts = [
        Candidate(article="a", cosine=None, words=0.8, bits=wall.bits, sentences=wall.sentences),
        Candidate(article="a", cosine=None, words=0.0, bits=password.bits, sentences=password.sentences),
        Candidate(article="b", cosine=None, words=0.5, bits=printer.bits, sentences=printer.sentences),
    ]
    ranked = rerank(parts, question, weights=weights)
    by_index = {place.index: place for place in ranked}
    best = 1.5 * by_index[1].cosine + by_index[1].maxsim + by_index[1].window + 0.5 * 0.8
    assert by_index[0].article_score == by_index[1].article_score == pytest.approx(best)
    assert order(ranked) == [1, 0, 2]


def test_a_chunk_that_holds_the_asked_code_outranks_a_near_one(question, weights):
    first, *_ = candidates()
    near = Candidate(article="near", cosine=None, words=0.5, bits=first.bits, sentences=first.sentences)
    exact = Candidate(article="exact", cosine=None, words=0.3, bits=first.bits, sentences=first.sentences, exact=1.0)
    assert order(rerank([near, exact], question, weights=weights)) == [1, 0]


def test_words_alone_carry_a_passage_whose_vector_is_not_there_yet(question, weights):
    fresh = Candidate(article="fresh", cosine=None, words=1.0)
    ranked = rerank([*candidates()[1:], fresh], question, weights=weights)
    assert order(ranked)[0] == 2


def test_without_any_vectors_the_words_decide(question, weights):
    pool = [Candidate(article=n, cosine=None, words=words) for n, words in enumerate([0.1, 0.9, 0.5])]
    assert order(rerank(pool, question, weights=weights)) == [1, 2, 0]


def test_without_token_vectors_the_passage_cosine_decides(question, weights):
    pool = [Candidate(article=n, cosine=cosine, words=0.1) for n, cosine in enumerate([0.2, 0.7, 0.5])]
    assert order(rerank(pool, question, weights=weights)) == [1, 2, 0]


def test_ties_keep_the_given_order(question, weights):
    pool = [Candidate(article=n // 2, cosine=0.5, words=0.5) for n in range(6)]
    assert order(rerank(pool, question, weights=weights)) == [0, 1, 2, 3, 4, 5]


def test_no_candidates_give_no_order(question, weights):
    assert rerank([], question, weights=weights) == []


scores = st.floats(0, 1, width=32)


@given(st.lists(st.tuples(st.integers(0, 4), scores, scores, scores), min_size=1, max_size=30))
def test_every_candidate_comes_once_and_articles_stay_together(rows):
    pool = [Candidate(article=a, cosine=cosine, words=words, exact=exact) for a, cosine, words, exact in rows]
    empty = question_without_words()
    ranked = rerank(pool, empty, weights=token_weights(empty, []))
    assert sorted(order(ranked)) == list(range(len(pool)))
    articles = [pool[place.index].article for place in ranked]
    assert len(list(dict.fromkeys(articles))) == sum(a != b for a, b in zip(articles, [None, *articles], strict=False))
    assert [p.article_score for p in ranked] == sorted((p.article_score for p in ranked), reverse=True)


@given(st.integers(0, 2), scores)
def test_more_matching_words_never_lower_an_article(place, words):
    pool = [Candidate(article=n, cosine=0.5, words=0.4) for n in range(3)]
    raised = [c if n != place else Candidate(article=n, cosine=0.5, words=0.4 + words) for n, c in enumerate(pool)]
    empty = question_without_words()
    before, after = (order(rerank(p, empty, weights=token_weights(empty, []))).index(place) for p in (pool, raised))
    assert after <= before


def question_without_words():
    none = np.zeros(0, np.int32)
    vector = np.zeros(384, np.float32)
    return QuestionVectors(vector, np.zeros((0, 384), np.float32), none, none.astype(bool), none.reshape(0, 2))


def test_the_weights_of_the_rule_are_the_measured_ones():
    assert Rule() == Rule(cosine=1.5, maxsim=1.0, window=1.0, words=0.5, exact=1.0, title=1.0)


def test_fifty_candidates_are_ranked_in_a_blink(question, weights):
    pool = candidates([f"{TEXTS[n % 3]} {' '.join(f'word{n}x{m}' for m in range(70))}" for n in range(50)])
    best = min(timed(pool, question, weights) for _ in range(5))
    assert best < 0.05


def timed(pool, question, weights):
    start = time.perf_counter()
    rerank(pool, question, weights=weights)
    return time.perf_counter() - start


def test_the_real_model_finds_meaning_where_no_word_is_shared(real_embedder):
    asked = question_vectors("My internet connection keeps dropping")
    texts = [
        "Fix an unstable Wi-Fi\nMove the router.",
        "Change your avatar\nUpload a picture.",
        "Invoices\nPay by card.",
    ]
    pool = [
        Candidate(article=n, cosine=float(v.vector @ asked.vector), words=0.0, bits=v.bits, sentences=v.sentences)
        for n, v in enumerate(passage_vectors(texts))
    ]
    assert order(rerank(pool, asked, weights=token_weights(asked, [])))[0] == 0
