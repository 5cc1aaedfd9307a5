# SPDX-License-Identifier: MIT
"""The recipe of the conda package, read by rattler-build, says what pyproject.toml says."""

import pathlib
import tomllib

import pytest

import norma

rattler_build = pytest.importorskip("rattler_build")

PYTHON = pathlib.Path(__file__).parent.parent


@pytest.mark.parametrize("platform", ["linux-64", "linux-aarch64"])
def test_recipe(platform, monkeypatch):
    monkeypatch.setenv("NORMA_LIBRARY", "/a/bundle")
    recipe = rattler_build.Stage0Recipe.from_file(str(PYTHON / "conda/recipe.yaml"))
    configuration = rattler_build.RenderConfig(
        platform=rattler_build.PlatformConfig(target_platform=platform)
    )
    variants = rattler_build.VariantConfig.from_file(str(PYTHON / "conda/variants.yaml"))
    (variant,) = recipe.render(variants, configuration)
    made = variant.recipe
    assert (made.package.name, str(made.package.version)) == ("norma", norma.__version__)
    assert made.build.script["env"] == {"NORMA_LIBRARY": "/a/bundle"}
    project = tomllib.loads((PYTHON / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], "python" + project["project"]["requires-python"]]
    assert {text.replace(" ", "") for text in map(str, made.requirements.run)} == set(wanted)
    host = {text.replace(" ", "") for text in map(str, made.requirements.host)}
    assert {pin for pin in project["build-system"]["requires"] if "numpy" not in pin} <= host


def test_mistakes_are_found():
    text = (PYTHON / "conda/recipe.yaml").read_text()
    with pytest.raises(rattler_build.RattlerBuildError, match="requires"):
        rattler_build.Stage0Recipe.from_yaml(text.replace("requirements:", "requires:"))
