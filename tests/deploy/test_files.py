"""What is shipped beside the package fits the package: containers, unit, citation."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import typer
import yaml

import gaitproof
from gaitproof.cli.app import app
from gaitproof.verify.encryption import Key

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMMANDS = typer.main.get_command(app).commands


def check_command(words):
    """Check that the package has a command and its options; return the values by name."""
    context = COMMANDS[words[0]].make_context(words[0], list(words[1:]))
    return context.params


@pytest.fixture(scope="module")
def stages():
    """Instructions of the Dockerfile, per stage, as (name, the rest)."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text())
    sections = [[]]
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            if name == "FROM":
                sections.append([])
            sections[-1].append((name, rest.strip()))
    return sections[1:]


def test_hadolint_finds_nothing():
    tool = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([tool, DEPLOY / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_a_service_that_others_reach_and_that_is_not_root(stages):
    last = dict(stages[-1])
    assert int(last["USER"].split(":")[0]) >= 1000
    command = json.loads(last["ENTRYPOINT"]) + json.loads(last["CMD"])
    assert command[0] == "gaitproof"
    assert check_command(command[1:])["host"] == "0.0.0.0"
    variables = last["ENV"]
    assert f"GAITPROOF_SERVICE={last['VOLUME']}" in variables
    port = check_command(["serve"])["port"]
    assert last["EXPOSE"] == str(port)
    compile(json.loads(last["HEALTHCHECK"].split("CMD ")[1])[2], "health", "exec")
    assert f":{port}/v1/health" in last["HEALTHCHECK"]


def test_what_the_image_copies_is_there_and_let_through(stages):
    let_through = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    for name, rest in stages[0]:
        if name == "COPY":
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in let_through, source


@pytest.fixture(scope="module")
def composed():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_compose_starts_the_service_once_its_database_answers(composed):
    service, database = composed["services"]["service"], composed["services"]["database"]
    words = [re.sub(r"\$\{\w+:-(\w*)\}", r"\1", word) for word in service["command"]]
    given = check_command(words)
    assert given["host"] == "0.0.0.0"
    # from elsewhere it is reached through a proxy only
    assert [port.split(":")[0] for port in service["ports"]] == ["127.0.0.1"]
    assert service["depends_on"]["database"]["condition"] == "service_healthy"
    assert database["healthcheck"]["test"][1] == "pg_isready"
    assert "ports" not in database
    assert composed["networks"]["inside"]["internal"]
    user, host, name = re.fullmatch(
        r"postgresql\+psycopg://(\w+)@(\w+)/(\w+)", service["environment"]["GAITPROOF_DATABASE"]
    ).groups()
    assert host in composed["services"]
    assert (user, name) == (
        database["environment"]["POSTGRES_USER"],
        database["environment"]["POSTGRES_DB"],
    )
    # one password, which has no default
    assert service["environment"]["PGPASSWORD"] == database["environment"]["POSTGRES_PASSWORD"]
    assert ":?" in service["environment"]["PGPASSWORD"]


def test_everything_that_compose_names_exists(composed):
    for service in composed["services"].values():
        for volume in service["volumes"]:
            assert volume.split(":")[0] in composed["volumes"]
        assert set(service["networks"]) <= set(composed["networks"])
    build = composed["services"]["service"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).exists()
    variables = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    example = (DEPLOY / "env.example").read_text()
    assert variables == set(re.findall(r"^(\w+)=", example, re.M))
    assert not re.search(r"^\w*(?:PASSWORD|KEY)=.", example, re.M)
    assert Key.parse("0f" * 32, "env.example")  # the form that it asks for


@pytest.mark.skipif(
    shutil.which("docker") is None
    or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode != 0,
    reason="NOT TESTED: docker compose is not installed",
)
def test_docker_compose_reads_the_file(tmp_path):
    variables = (DEPLOY / "env.example").read_text().replace("PASSWORD=", "PASSWORD=x")
    (tmp_path / "env").write_text(variables)
    files = ["--env-file", tmp_path / "env", "-f", DEPLOY / "compose.yaml"]
    done = subprocess.run(["docker", "compose", *files, "config", "-q"], capture_output=True)
    assert done.returncode == 0, done.stderr


def test_the_unit_starts_a_command_that_exists(tmp_path):
    unit = (DEPLOY / "gaitproof.service").read_text()
    words = shlex.split(re.search(r"^ExecStart=(.*)", unit, re.M).group(1))
    assert Path(words[0]).name == "gaitproof"
    check_command(words[1:])
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("NOT VERIFIED: systemd-analyze is not installed")
    # what it starts is not installed here
    copy = tmp_path / "gaitproof.service"
    copy.write_text(unit.replace(words[0], sys.executable))
    done = subprocess.run([tool, "verify", copy], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_citation_is_valid_and_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    schema = json.loads((ROOT / "tests/assets/cff-1.2.0.schema.json").read_text())
    jsonschema.validate(citation, schema)
    assert citation["version"] == gaitproof.__version__
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**citation, "license": "none"}, schema)
