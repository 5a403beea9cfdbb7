"""Settings come from the call, then the environment, then the defaults; unknown ones are refused."""

from pathlib import Path

import pytest

from index.errors import UnknownSetting
from qa.settings import Settings, load

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_defaults_need_no_environment():
    settings = load()
    assert settings.port == 7860
    assert settings.articles is None


def test_the_environment_is_read_and_the_call_goes_first(monkeypatch):
    monkeypatch.setenv("QA_PORT", "8000")
    assert load().port == 8000
    assert load(port=9000).port == 9000
    assert load(port=None).port == 8000


def test_an_unknown_variable_is_refused_with_the_one_that_was_meant(monkeypatch):
    monkeypatch.setenv("QA_ARTICLE", "x")
    with pytest.raises(UnknownSetting, match="QA_ARTICLE; did you mean QA_ARTICLES"):
        load()


def test_an_unknown_name_is_refused():
    with pytest.raises(UnknownSetting, match="colour"):
        load(colour="red")


@pytest.mark.parametrize(("name", "value"), [("QA_PORT", "many"), ("QA_PORT", "0"), ("QA_CAUTION", "1.5")])
def test_a_value_that_does_not_fit_is_refused_in_one_sentence(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(UnknownSetting, match=f"^{name} cannot be '{value}'") as error:
        load()
    assert "\n" not in str(error.value)


def test_settings_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        load().port = 1


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_has_a_row_in_the_readme(name):
    assert f"| `QA_{name.upper()}` |" in README
