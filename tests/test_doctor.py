"""The doctor says of each model whether it can be used, and what to do where it cannot."""

from model_fixtures import bert

from qa.doctor import examine
from qa.settings import load


def findings(**given):
    return {finding.name: finding for finding in examine(load(**given), None)}


def test_named_models_are_tried(tmp_path):
    reader = bert(tmp_path / "reader", "BertForQuestionAnswering")
    reranker = bert(tmp_path / "reranker", "BertForSequenceClassification", num_labels=1)
    found = findings(reader=reader, reranker=reranker)
    assert found["reader"].fine and found["reranker"].fine
    assert found["reader"].found.startswith(f"{reader}, loaded in ")
    assert found["reranker"].found.startswith(f"{reranker}, loaded in ")


def test_models_that_cannot_be_used_are_told_with_what_to_do(tmp_path):
    found = findings(reader=bert(tmp_path, "BertModel"), reranker=str(tmp_path / "missing"))
    for name in ("reader", "reranker"):
        assert not found[name].fine
        assert f"QA_{name.upper()}" in found[name].mend
        assert str(tmp_path) in found[name].found


def test_a_reranker_is_told_of_only_where_one_is_set(tmp_path):
    found = findings(reader=str(tmp_path / "missing"))
    assert "reranker" not in found
    assert list(found)[-3:] == ["encoder", "reader", "library"]
