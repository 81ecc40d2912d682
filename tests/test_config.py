import pytest
from pydantic import ValidationError

from gaitproof.config import CleaningSettings, QualityGate, VerifySettings
from gaitproof.errors import ConfigError


def load(tmp_path, text):
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    return VerifySettings.load(path)


def test_empty_file_gives_the_defaults(tmp_path):
    assert load(tmp_path, "") == VerifySettings()


def test_values_are_read(tmp_path):
    settings = load(tmp_path, "quality: {min_person_height: 60}\npose: {workers: 2}\n")
    assert settings.quality.min_person_height == 60
    assert settings.pose.workers == 2
    assert settings.cleaning == CleaningSettings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("qualitty: {}", "known settings here: media, pose, cleaning, quality"),
        ("quality: {min_person_hight: 3}", r"quality\.min_person_hight"),
        ("quality: {min_visible_share: 1.5}", r"less than or equal to 1"),
        ("pose: {backend: magic}", r"pose\.backend"),
        ("[1, 2]", "not valid"),
        ("a: [", "not a valid YAML settings file"),
        ("a: !!python/object/apply:os.system ['true']", "not a valid YAML settings file"),
    ],
)
def test_mistakes_are_named(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words):
        load(tmp_path, text)


def test_missing_and_binary_files(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        VerifySettings.load(tmp_path / "none.yaml")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        VerifySettings.load(tmp_path / "b.yaml")


def test_settings_cannot_change():
    gate = QualityGate()
    with pytest.raises(ValidationError):
        gate.min_windows = 3
