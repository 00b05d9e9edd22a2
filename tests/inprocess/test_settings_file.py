"""config.toml as people write it: what breaks it is told by file, line and key; a value arrives or is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lnode.errors import ExitCode, LnodeError
from lnode.laptop.settings import DEFAULT_COMMAND, HostSettings, Settings, kept_s, load


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def loaded(path: Path, text: str) -> Settings:
    path.write_text(text, encoding="utf-8")
    return load(str(path))


def refusal(path: Path, text: str) -> str:
    with pytest.raises(LnodeError) as caught:
        loaded(path, text)
    assert caught.value.code is ExitCode.USAGE
    assert caught.value.hint
    return caught.value.message.replace(str(path), "FILE")


KNOWN = 'mem = 48000\ntime = "1:00:00"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('[hosts.unity]\nmem = "48000\n', "FILE: illegal character '\\n' (at line 2, column 13)",
                     id="syntax"),
        pytest.param("[hosts.unity\n", "FILE: expected ']' at the end of a table declaration (at line 1, column 13)",
                     id="syntax of a header"),
        pytest.param("[hosts.a]\n[hosts.a]\n", 'FILE: cannot declare (\'hosts\', \'a\') twice (at line 2, column 9)',
                     id="a table twice"),
        pytest.param(f"[hosts.a]\n{KNOWN}\n[host.b]\nmem = 1\n", "FILE, line 5: host is not a table that lnode knows",
                     id="unknown table"),
        pytest.param('colour = "red"\n', "FILE, line 1: colour is not a table that lnode knows",
                     id="key outside any table"),
        *(
            pytest.param(f'[hosts.a]\nkeep = "{word}"\n', "FILE, line 2: hosts.a.keep must be a time", id=f"not {word}")
            for word in ("soon", "3", "0 days", "400 days", "3 weeks;", "yes", "-1 day", "")
        ),
        pytest.param('[hosts.a]\nkeep_warm = "soon"\n', "FILE, line 2: hosts.a.keep_warm must be a time", id="no time"),
        pytest.param("hosts = 3\n", "FILE, line 1: hosts is not a table", id="no table"),
        pytest.param("# my hosts\n[[hosts]]\nmem = 1\n", "FILE, line 2: hosts is not a table", id="array of tables"),
        pytest.param("[hosts]\n\nunity = 3\n", "FILE, line 3: hosts.unity is not a table", id="no table for a host"),
        pytest.param(f"[hosts.a]\n{KNOWN}[hosts.b]\n{KNOWN}memory = 1\n",
                     "FILE, line 7: hosts.b.memory is not a key that lnode knows", id="unknown key"),
        pytest.param(f"[hosts.a]\n{KNOWN}[profiles.gpu]\nmemory = 1\n",
                     "FILE, line 5: profiles.gpu.memory is not a key that lnode knows", id="unknown key of a profile"),
        pytest.param(f"[hosts.a]\n{KNOWN}[hosts.'login.site.edu']\nmemory = 1\n",
                     "FILE, line 5: hosts.login.site.edu.memory is not a key that lnode knows", id="quoted host"),
        pytest.param("# dotted\nhosts.a.mem = true\n",
                     "FILE, line 2: hosts.a.mem must be text or a whole number", id="dotted key"),
        pytest.param("[hosts]\n\na = { time = '1:00', mem = true }\n",
                     "FILE, line 3: hosts.a.mem must be text or a whole number", id="inline table"),
        pytest.param("[hosts.a.more]\nmem = 1\n", "FILE, line 1: hosts.a.more is not a key that lnode knows",
                     id="too deep"),
        pytest.param("[hosts.a]\nmem = 1\ntime = 12:00:00\n",
                     "FILE, line 3: hosts.a.time must be text or a whole number", id="a time without quotes"),
        pytest.param("[hosts.a]\nmem = 1.5\n",
                     "FILE, line 2: hosts.a.mem must be text or a whole number", id="fraction"),
        pytest.param("[hosts.a]\nmem = [1]\n", "FILE, line 2: hosts.a.mem must be text or a whole number", id="list"),
        pytest.param('[hosts.a]\nmem = 1\ncommand = """\nsinteractive\n"""\n',
                     "FILE, line 3: hosts.a.command must be one line without control characters", id="newline"),
        pytest.param('[hosts.a]\ncommand = " "\n', "FILE, line 2: hosts.a.command must not be empty", id="blank"),
        pytest.param('[hosts.a]\nsession = "\\u001b[31m"\n',
                     "FILE, line 2: hosts.a.session must be one line without control characters", id="escape"),
    ],
)  # fmt: skip
def test_a_broken_file_is_told_by_line_and_key(path: Path, text: str, message: str) -> None:
    assert refusal(path, text) == message


def test_the_hint_of_an_unknown_key_names_the_known_ones(path: Path) -> None:
    with pytest.raises(LnodeError) as caught:
        loaded(path, "[hosts.a]\nmemory = 1\n")
    assert (
        caught.value.hint
        == "keys are session, command, mem, time, partition, gpus, cpus, tmux, keep_warm, login_nodes, cwd, where, "
        "keep, resume, push, push_question"
    )


def test_of_two_unknown_tables_the_first_is_named(path: Path) -> None:
    assert refusal(path, "[zebra]\n[ant]\n") == "FILE, line 1: zebra is not a table that lnode knows"


def test_a_file_that_cannot_be_read(path: Path) -> None:
    path.mkdir()
    with pytest.raises(LnodeError, match="cannot read") as caught:
        load(str(path))
    assert caught.value.code is ExitCode.USAGE
    path.rmdir()
    path.write_bytes(b"[hosts.caf\xe9]\n")
    with pytest.raises(LnodeError, match="cannot read"):
        load(str(path))


def test_without_a_file_there_are_the_defaults(path: Path) -> None:
    assert load(str(path)).of_host("unity") == HostSettings()
    assert HostSettings().filled() == "sinteractive -m 48000 -t 72:00:00"
    assert HostSettings().session == "livenode"


MERGED = """
[hosts.unity]
session = "mine"
mem = 1000
time = "10:00"
[profiles.gpu]
command = "sinteractive -p {partition} -g {gpus} -m {mem} -t {time}"
partition = "mygroup"
gpus = 1
time = "20:00"
"""


def test_later_wins_host_then_profile_then_words(path: Path) -> None:
    settings_ = loaded(path, MERGED)
    assert settings_.of_host("unity").filled() == "sinteractive -m 1000 -t 10:00"
    assert settings_.of_host("other").filled() == "sinteractive -m 48000 -t 72:00:00"
    gpu = settings_.of_host("unity", "gpu")
    assert gpu.filled() == "sinteractive -p mygroup -g 1 -m 1000 -t 20:00"
    assert gpu.session == "mine"
    assert gpu.with_words(time="30:00", gpus=None).filled() == "sinteractive -p mygroup -g 1 -m 1000 -t 30:00"


def test_an_unknown_profile_names_the_known_ones(path: Path) -> None:
    with pytest.raises(LnodeError) as caught:
        loaded(path, MERGED).of_host("unity", "cpu")
    assert (caught.value.code, caught.value.message) == (ExitCode.USAGE, "there is no profile 'cpu'")
    assert caught.value.hint == f"profiles in {path}: gpu"


def test_the_default_command_grows_by_the_words_it_has_no_place_for() -> None:
    request = HostSettings().with_words(gpus="1", partition="gpu", mem="2000", time=None, cpus=None)
    assert request.filled() == "sinteractive -m 2000 -t 72:00:00 -p gpu -g 1"


def test_the_default_command_grows_by_what_a_profile_sets(path: Path) -> None:
    request = loaded(path, "[profiles.gpu]\ngpus = 2\n").of_host("unity", "gpu").with_words()
    assert request.filled() == "sinteractive -m 48000 -t 72:00:00 -g 2"


def test_a_configured_command_refuses_a_word_that_it_has_no_place_for() -> None:
    with pytest.raises(LnodeError) as caught:
        HostSettings(command="salloc -t {time}").with_words(time="1:00", cpus="2", gpus="1")
    assert caught.value.code is ExitCode.USAGE
    assert caught.value.message == "the configured command has no {gpus} for -g"


def test_a_profile_that_the_hosts_command_has_no_place_for_is_not_dropped_in_silence(path: Path) -> None:
    text = '[hosts.unity]\ncommand = "salloc -t {time}"\n[profiles.gpu]\ngpus = 1\n'
    with pytest.raises(LnodeError, match="gpus"):
        loaded(path, text).of_host("unity", "gpu").with_words().filled()


def test_a_place_that_nothing_fills() -> None:
    with pytest.raises(LnodeError) as caught:
        HostSettings(command="salloc -p {partition}").filled()
    assert (caught.value.code, caught.value.message) == (
        ExitCode.USAGE, "the command asks for {partition}, which is not set",
    )  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        "salloc --comment=${USER} -n1",
        "salloc $(awk '{print $1}' ~/.account) -n1",
        "echo {} {mem_per_cpu} {MEM} {0} }{ %s",
        "salloc --wrap='say \"hi\"; it\\'s {{{{'",
        "日本 ü",
    ],
)
def test_what_is_no_place_of_lnodes_survives_to_the_letter(path: Path, command: str) -> None:
    assert loaded(path, f"[hosts.a]\ncommand = {json.dumps(command)}\n").of_host("a").filled() == command


hostile = st.text() | st.text("\"'$()`\\;&|<>*?!{}[]~# \n\t\x1b\u202emé日")
thorough = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


@thorough
@given(hostile)
@example("salloc {mem} ${mem} {{time}}")
def test_any_command_arrives_exactly_or_is_refused(path: Path, command: str) -> None:
    quoted = json.dumps(command, ensure_ascii=False)  # what JSON escapes, TOML escapes alike
    try:
        filled = loaded(path, f"[hosts.a]\ncommand = {quoted}\n").of_host("a").filled()
    except LnodeError as error:
        assert error.code is ExitCode.USAGE
        assert not command.isprintable() or not command.strip()
    else:
        assert command.strip()
        expected = command.replace("{mem}", "48000").replace("{time}", "72:00:00")
        assert filled == expected


@thorough
@given(st.sampled_from(["mem", "time", "partition", "gpus", "cpus"]), hostile)
@example("partition", "a;b")
@example("gpus", "a100:2")
@example("mem", "{time}")
@example("time", "1:00\n")
@example("mem", "٣")
def test_any_word_arrives_exactly_or_is_refused(name: str, word: str) -> None:
    try:
        filled = HostSettings(command=f"salloc <{{{name}}}>").with_words(**{name: word}).filled()
    except LnodeError as error:
        assert error.code is ExitCode.USAGE
    else:
        assert filled == f"salloc <{word}>"
        assert not set(word) & set("\"'$()`\\;&|<>*?!{}[]~# \n\t\x1b")


def test_a_default_command_spelled_out_is_the_default() -> None:
    assert HostSettings(command=DEFAULT_COMMAND).with_words(cpus="4").filled().endswith(" -c 4")


GOOD = (
    "https://ntfy.sh/x",
    "https://push.example.edu:8443/a/b_c~d",
    "http://localhost:80/x",
    "http://127.0.0.1:8099/topic",
)
BAD = ("http://ntfy.sh/x", "https://me:secret@ntfy.sh/x", "https://ntfy.sh/x?auth=1", "ftp://a/b", "https://-K/x",
       "-K/etc/passwd", "https://a/$(id)", "https://a/x y", "https://a/'", "file:///x", "https://a/x;id",
       "http://localhost.evil.org/x")  # fmt: skip


@pytest.mark.parametrize("url", GOOD)
def test_an_address_for_messages(path: Path, url: str) -> None:
    assert loaded(path, f'[hosts.a]\npush = "{url}"\n').of_host("a").push == url


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_such_address_is_refused(path: Path, url: str) -> None:
    with pytest.raises(LnodeError, match="must be an https address"):
        loaded(path, f'[hosts.a]\npush = "{url}"\n')


@pytest.mark.parametrize(
    ("word", "seconds"),
    [("no", 0), ("3 weeks", 1814400), ("1 week", 604800), ("10 days", 864000), ("10d", 864000), ("12 h", 43200)],
)
def test_how_long_a_session_is_kept(path: Path, word: str, seconds: int) -> None:
    text = f'[hosts.a]\nkeep = "{word}"\nresume = "claude --continue"\n'
    settings = loaded(path, text).of_host("a")
    assert (kept_s(settings.keep), settings.resume) == (seconds, "claude --continue")


def test_where_is_one_of_two_places(path: Path) -> None:
    with pytest.raises(LnodeError) as caught:
        loaded(path, '[hosts.a]\nwhere = "cloud"\n')
    assert (caught.value.code, "line 2: hosts.a.where must be login or node" in caught.value.message) == (2, True)
    settings = loaded(path, '[hosts.a]\nwhere = "node"\n[profiles.small]\nwhere = "login"\n')
    assert settings.of_host("a").where == "node"
    assert settings.of_host("a", "small").where == settings.of_host("a", where="login").where == "login"
    with pytest.raises(LnodeError, match="--where cannot be 'cloud'"):
        settings.of_host("a", where="cloud")
