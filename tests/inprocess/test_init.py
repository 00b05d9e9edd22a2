"""`--init` on this computer: the site's programs are stand-ins, the script, the files and the terminal are real."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from lnode.commands.init.new_host import described, with_block
from lnode.ssh.target import Resolving
from nearby import LIMIT_S, Nearby, nearby

SINFO = """\
#!/bin/sh
echo 'normal* up 1-00:00:00 12:00:00 32000 (null)'
echo 'closed down 1:00 1:00 1 (null)'
echo 'gpu up 7-00:00:00 n/a 96000+ gpu:a100:4(S:0-1)'
"""
WRITTEN = """\
[hosts.x]
command = "sinteractive -m {mem} -t {time}"
mem = 16000
time = "1-00:00:00"
keep_warm = "no"

[profiles.gpu]
partition = "gpu"
gpus = 1
"""


@pytest.fixture
def here() -> Iterator[Nearby]:
    """A site with Slurm and a sinteractive of its own, which nothing may run."""
    with nearby() as made:
        made.program("sinfo", SINFO)
        made.program("sinteractive", "#!/bin/sh\ntouch $HOME/ran\nwhile getopts m:t:p:g: letter; do :; done\n")
        yield made
        assert not (made.home / "ran").exists()


def calls(here: Nearby) -> int:
    path = here.home / "calls"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_it_shows_the_lines_and_writes_them_with_yes_alone(here: Nearby) -> None:
    config = here.home / "config.toml"
    before = config.read_text()
    shown = here.lnode("x", "--init")
    assert (shown.returncode, config.read_text(), calls(here)) == (1, before, 1)
    assert '+command = "sinteractive -m {mem} -t {time}"\n' in shown.stdout
    assert "\n-" not in shown.stdout.removeprefix("---")
    said = shown.stderr.splitlines()
    assert said[0] == "lnode: signing in to x (alice@127.0.0.1) to see what it has; nothing changes there"
    assert "Slurm; the site's own command is sinteractive, which takes -m -t -p -g; tmux " in said[1]
    assert said[-1] == "lnode: nothing was changed; to change it without being asked: --init --yes"

    done = here.lnode("x", "--init", "--yes")
    assert (done.returncode, config.read_text()) == (0, WRITTEN), done.stderr
    assert (here.home / ".config.toml.before-lnode").read_text() == before
    assert done.stderr.endswith("lnode: your first session: lnode x\n")

    again = here.lnode("x", "--init", "--yes")
    assert (again.returncode, again.stdout, config.read_text()) == (0, "", WRITTEN)
    assert "lnode: ~/config.toml has a command for x, and lnode leaves it as it is\n" in again.stderr
    assert here.lnode("x", "--profiles").returncode == 0


def test_a_link_into_a_repository_stays_and_its_file_is_written(here: Nearby) -> None:
    (here.home / "dotfiles").mkdir()
    config, mine = here.home / "config.toml", here.home / "dotfiles" / "lnode.toml"
    config.rename(mine)
    config.symlink_to(mine)
    shown = here.lnode("x", "--init")
    assert "+++ ~/dotfiles/lnode.toml\n" in shown.stdout
    done = here.lnode("x", "--init", "--yes")
    assert (done.returncode, mine.read_text(), config.is_symlink()) == (0, WRITTEN, True), done.stderr
    assert "lnode: ~/config.toml is a link to ~/dotfiles/lnode.toml\n" in done.stderr


def test_a_link_that_leads_nowhere_is_not_lnodes_to_change(here: Nearby) -> None:
    config = here.home / "config.toml"
    config.unlink()
    config.symlink_to(here.home / "unmounted" / "lnode.toml")
    done = here.lnode("x", "--init", "--yes")
    assert (done.returncode, config.is_symlink(), config.exists()) == (1, True, False)
    assert "lnode: ~/config.toml is a link or cannot be written\n" in done.stderr
    assert "+command = " in done.stdout


def test_files_with_the_line_ends_of_windows_keep_them(here: Nearby) -> None:
    config, ssh = here.home / "config.toml", here.home / ".ssh" / "config"
    config.write_bytes(b'\xef\xbb\xbf[hosts.x]\r\nkeep_warm = "no"\r\n')
    ssh.write_bytes(b"Host x\r\n    HostName 127.0.0.1\r\n    User alice\r\n")
    assert here.lnode("x", "--init", "--yes").returncode == 0
    assert config.read_bytes() == WRITTEN.replace("\n", "\r\n").encode("utf-8-sig")
    done = here.lnode("new", "--init", "--address", "127.0.0.1", "--yes")
    assert (done.returncode, ssh.read_bytes().count(b"\n")) == (0, ssh.read_bytes().count(b"\r\n")), done.stderr
    assert ssh.read_bytes().startswith(b"Host new\r\n    HostName 127.0.0.1\r\n\r\nHost x\r\n")


def test_a_full_disk_leaves_the_config_as_it_was(here: Nearby) -> None:
    config = here.home / "config.toml"
    config.write_text("# mine\n" * 1000)
    before = config.read_bytes()
    whole = "-B"  # Python before 3.12 would keep half a module
    argv = ["sh", "-c", 'trap "" XFSZ; ulimit -f 2; exec "$@"', "-", sys.executable, whole, "-P", "-m", "lnode"]
    done = subprocess.run(
        [*argv, "x", "--init", "--yes"], env=here.env, cwd=here.home, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert (done.returncode, config.read_bytes()) == (1, before), done.stderr
    assert "it is as it was" in done.stderr
    assert [path.name for path in here.home.glob("config.toml*")] == ["config.toml"]


@pytest.mark.parametrize(("answers", "code", "written"), [("n", 1, False), ("yn", 0, True)])
def test_it_asks_on_a_terminal(here: Nearby, answers: str, code: int, written: bool) -> None:
    config = here.home / "config.toml"
    questions = ("write ~/config.toml? [y/N]", "start your first session on x now? [Y/n]")
    with here.window("x", "--init") as window:
        for question, answer in zip(questions, answers, strict=False):
            window.wait_for(question)
            window.press(f"{answer}\r")
        assert window.exit_status() == code
    assert (config.read_text() == WRITTEN) == written


def test_without_a_host_it_asks_which(here: Nearby) -> None:
    """It connects to none of them before, and to none but that one."""
    config = here.home / ".ssh" / "config"
    forge = "Host git\n    HostName github.com\n"
    config.write_text(f"{forge}Host other *.example.org\n    HostName other.example.org\n{config.read_text()}")
    with here.window("--init") as window:
        window.find(r"^lnode:   1  other  \S+@other.example.org$")
        window.find(r"^lnode:   2  x      alice@127.0.0.1$")
        window.wait_for("which is your cluster?")
        window.press("7\r")
        window.wait_for("'7' is no number of the list and no name of a host")
        window.wait_for("which is your cluster?")
        assert ("github" in window.text(), calls(here)) == (False, 0)
        window.press("2\r")
        window.wait_for("write ~/config.toml? [y/N]")
        assert calls(here) == 1
        window.press("y\r")
        window.wait_for("start your first session on x now? [Y/n]")
        window.press("n\r")
        assert window.exit_status() == 0
    assert (here.home / "config.toml").read_text() == WRITTEN


@pytest.mark.parametrize(("answer", "code", "contacts"), [("\r", 0, 1), ("\x04", 2, 0)])
def test_the_only_host_is_chosen_by_enter_and_by_no_end_of_input(
    here: Nearby, answer: str, code: int, contacts: int
) -> None:
    with here.window("--init") as window:
        window.wait_for("which is your cluster? Enter for this one, or a name that is not in the list:")
        window.press(answer)
        if contacts:
            window.wait_for("write ~/config.toml? [y/N]")
            window.press("y\r")
            window.wait_for("start your first session on x now? [Y/n]")
            window.press("\x04")  # starts nothing
            window.wait_for("your first session: lnode x")
        assert (window.exit_status(), calls(here)) == (code, contacts)


def test_an_alias_that_lnode_does_not_take_is_left_out(here: Nearby) -> None:
    config = here.home / ".ssh" / "config"
    config.write_text(f'Host "my host"\n    User bob\n{config.read_text()}')
    with here.window("--init") as window:
        window.wait_for("which is your cluster? Enter for this one")
        window.press("\x04")
        assert (window.exit_status(), calls(here)) == (2, 0)


def test_an_end_of_input_at_the_token_sends_and_changes_nothing(here: Nearby) -> None:
    (here.home / "config.toml").write_text('[hosts.x]\npush = "https://ntfy.example/topic"\n')
    with here.window("x", "--phone") as window:
        window.wait_for("token for https://ntfy.example/topic")
        window.press("\x04")
        assert (window.exit_status(), calls(here)) == (2, 0)
        assert "you gave no token, and nothing was changed" in window.text()


def test_without_a_host_and_a_terminal_it_says_what_to_type(here: Nearby) -> None:
    done = here.lnode("--init", "--yes")
    assert (done.returncode, calls(here)) == (2, 0)
    assert done.stderr == (
        "lnode: HOST is missing, and there is no terminal to ask in\nhint:  as in: lnode unity --init --yes\n"
    )


BLOCK = "Host new\n    HostName 127.0.0.1\n    User bob\n    Port 2222\n    ProxyJump me@gate.example.org:2200\n"


def test_a_host_that_ssh_does_not_know_gets_a_block(here: Nearby) -> None:
    config = here.home / ".ssh" / "config"
    before = f"Compression yes\n# that one\n{config.read_text()}Host *\n    User me\n"
    config.write_text(before)
    config.chmod(0o640)
    words = ("new", "--init", "--address", "bob@127.0.0.1:2222", "--gate", "me@gate.example.org:2200")
    shown = here.lnode(*words)
    assert (shown.returncode, config.read_text()) == (1, before)
    done = here.lnode(*words, "--yes")
    assert done.returncode == 0, done.stderr
    assert "signing in to new (bob@127.0.0.1)" in done.stderr
    assert "ssh takes new for" not in done.stderr
    assert config.read_text() == before.replace("# that one\n", f"{BLOCK}\n# that one\n")
    assert (config.stat().st_mode & 0o777, (config.parent / ".config.before-lnode").read_text()) == (0o640, before)
    assert "[hosts.new]\n" in (here.home / "config.toml").read_text()
    again = here.lnode(*words, "--yes")
    assert (again.returncode, again.stderr.splitlines()[0]) == (2, "lnode: your ssh configuration has new already")


def test_the_sign_in_serves_the_first_session_of_a_new_host(here: Nearby) -> None:
    """The shared connection is named after the meaning of the alias, which is the same before and after."""
    new = described("new", "bob@127.0.0.1:2222", gate="me@gate.example.org:2200")
    empty, written = here.home / "empty", here.home / "written"
    empty.write_text("Host *\n    User me\n")
    written.write_text(with_block(empty.read_text(), new.block))
    meant = Resolving("new", str(empty), route=new.route).target()
    assert Resolving("new", str(written)).target().digest == meant.digest


def test_a_new_host_is_described_on_a_terminal(here: Nearby) -> None:
    config = here.home / ".ssh" / "config"
    config.write_text("")
    with here.window("--init") as window:
        for question, answer in (
            ("A short name for it, as in unity:", "new"),
            ("the address of new, as in login.unity.edu:", "127.0.0.1"),
            ("your user name there, empty for the one on this laptop:", "bob"),
            ("the host through which you have to jump, empty for none:", ""),
            ("write ~/.ssh/config and ~/config.toml? [y/N]", "y"),
            ("start your first session on new now? [Y/n]", "n"),
        ):
            window.wait_for(question)
            window.press(f"{answer}\r")
        assert window.exit_status() == 0
    assert config.read_text() == "Host new\n    HostName 127.0.0.1\n    User bob\n"


def test_an_address_is_an_answer_and_a_slip_is_asked_again(here: Nearby) -> None:
    config = here.home / ".ssh" / "config"
    config.write_text("")
    (here.home / "config.toml").unlink()
    with here.window("--init") as window:
        for question, answer in (
            ("A short name for it, as in unity:", "my cluster"),
            ("'my cluster' is no name of a host", "bob@login1.localhost.example"),
            ("a short name for bob@login1.localhost.example, Enter for localhost:", "my cluster"),
            ("'my cluster' cannot be a Host of ~/.ssh/config", "new"),
            ("the host through which you have to jump, empty for none:", "a;b"),
            ("'a;b' is no gate", ""),
            ("write ~/.ssh/config and ~/config.toml? [y/N]", "y"),
            ("start your first session on new now? [Y/n]", "n"),
        ):
            window.wait_for(question)
            window.press(f"{answer}\r")
        assert window.exit_status() == 0
    assert config.read_text() == "Host new\n    HostName login1.localhost.example\n    User bob\n"


@pytest.mark.parametrize(
    ("words", "by_hand"),
    [
        (("bob@127.0.0.1:2222",), "-p 2222 bob@127.0.0.1"),
        (("bob@127.0.0.1", "--gate", "me@gate.example"), "-J me@gate.example bob@127.0.0.1"),
    ],
)
def test_a_new_host_that_fails_is_named_as_ssh_knows_it_already(here: Nearby, words: list[str], by_hand: str) -> None:
    real = (here.home / "bin" / "ssh").read_text()
    refuse = """while [ "$1" != -E ]; do shift; done
echo "ssh: connect to host x port 22: Connection refused" >>"$2"
exit 255
"""
    here.program("ssh", real.partition("echo called")[0] + refuse)
    before = (here.home / ".ssh" / "config").read_text()
    done = here.lnode("new", "--init", "--yes", "--address", *words)
    assert (done.returncode, (here.home / ".ssh" / "config").read_text()) == (4, before)
    assert done.stderr.endswith(f"or the port is wrong: ssh -v {by_hand}\n"), done.stderr


@pytest.mark.parametrize("lines", ["Host *.unity.edu\n    User bob\n", "Match host n1.unity.edu\n    User bob\n"])
def test_a_name_that_the_configuration_means_but_does_not_list_is_an_alias(here: Nearby, lines: str) -> None:
    """`Host *` alone means no name in particular."""
    config = here.home / ".ssh" / "config"
    rest = "Host *\n    ControlPath ~/.ssh/%C\n    ProxyCommand nc %h %p\n    IdentityFile ~/.ssh/%n\n"
    config.write_text(lines + rest)
    with here.window("--init") as window:
        window.wait_for("A short name for it, as in unity:")
        window.press("n1.unity.edu\r")
        window.wait_for("signing in to n1.unity.edu (bob@n1.unity.edu) to see what it has")
        window.wait_for("write ~/config.toml? [y/N]")
        window.press("\r")
        assert window.exit_status() == 1
    config.write_text(rest)
    with here.window("--init") as window:
        window.wait_for("A short name for it, as in unity:")
        window.press("n1.unity.edu\r")
        window.wait_for("a short name for n1.unity.edu, Enter for n1:")
        window.press("\x03")
        assert (window.exit_status(), calls(here)) == (130, 1)
    with here.window("--init") as window:
        window.wait_for("A short name for it, as in unity:")
        window.press("ssh\r")  # which stands in ssh's own options
        window.wait_for("the address of ssh, as in login.unity.edu:")
        window.press("\x04")
        assert (window.exit_status(), calls(here)) == (2, 1)
    assert config.read_text() == rest


@pytest.mark.parametrize("questions", range(3))
def test_an_interrupt_at_a_question_changes_nothing_more(here: Nearby, questions: int) -> None:
    config = here.home / "config.toml"
    before = config.read_text()
    asked = [("which is your cluster?", "\r"), ("write ~/config.toml? [y/N]", "y\r"), ("start your first session", "")]
    with here.window("--init") as window:
        for question, answer in asked[:questions]:
            window.wait_for(question)
            window.press(answer)
        window.wait_for(asked[questions][0])
        window.press("\x03")
        assert window.exit_status() == 130
        assert window.raw.endswith(b"\n")
        assert "Traceback" not in window.text()
    assert config.read_text() == (WRITTEN if questions == 2 else before)
    assert calls(here) == min(questions, 1)


def test_the_demo_is_no_cluster_to_configure(here: Nearby) -> None:
    (here.home / ".ssh" / "config").write_text("Host demo\n    HostName 127.0.0.1\n")
    with here.window("--init") as window:
        window.wait_for("which is your cluster?")
        window.press("\r")
        window.wait_for("the demo needs no configuration")
        assert (window.exit_status(), calls(here)) == (2, 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("x", "--init", "--user", "bob"), "--user and --gate go with --address"),
        (("--init", "--address", "a.b"), "HOST is missing, the name for the new host"),
        (("new*", "--init", "--address", "a.b"), "'new*' cannot be a Host of ~/.ssh/config"),
        (("new", "--init", "--address", "-oProxyCommand=x"), "'-oProxyCommand=x' is no address of a host"),
        (("new", "--init", "--address", "a.b", "--user", "a b"), "'a b' is no user name"),
        (("new", "--init", "--address", "a.b", "--gate", "a;b"), "'a;b' is no gate"),
    ],
)
def test_words_that_do_not_fit(here: Nearby, words: tuple[str, ...], said: str) -> None:
    done = here.lnode(*words)
    assert (done.returncode, done.stderr.splitlines()[0], calls(here)) == (2, f"lnode: {said}", 0)


def test_the_first_session_starts(here: Nearby) -> None:
    here.program("sinteractive", "#!/bin/sh\nif false; then getopts m:t: letter; fi\necho asked for $*\nexec cat\n")
    with here.window("x", "--init") as window:
        window.wait_for("write ~/config.toml? [y/N]")
        window.press("y\r")
        window.wait_for("start your first session on x now? [Y/n]")
        window.press("\r")
        window.wait_for("asked for -m 16000 -t 1-00:00:00")
        window.leave()


def test_a_site_that_lnode_does_not_know(here: Nearby) -> None:
    for name in ("sinteractive", "squeue", "sinfo"):
        (here.home / "bin" / name).unlink()
    before = (here.home / "config.toml").read_text()
    done = here.lnode("x", "--init", "--yes")
    assert (done.returncode, done.stdout, (here.home / "config.toml").read_text()) == (8, "", before)
    assert "x has: no scheduler that lnode knows; tmux " in done.stderr
    assert "  which command starts an interactive job on a compute node, and how does it take memory" in done.stderr
    assert 'write into ~/config.toml: [hosts.x] and command = "..."' in done.stderr
    assert "lnode x notes --login" in done.stderr


def test_a_host_with_tmux_alone_has_a_session_on_the_login_node(here: Nearby) -> None:
    for name in ("sinteractive", "squeue", "sinfo"):
        (here.home / "bin" / name).unlink()
    with here.window("x", "--init") as window:
        window.wait_for("start a session on the login node on x now? [Y/n]")
        window.press("y\r")
        window.wait_for("notes")
        window.press("echo in-$((40+2))\r")
        window.wait_for("in-42")
        window.leave()


def test_a_host_without_tmux_can_have_no_session(here: Nearby) -> None:
    """A tmux of config.toml that is not there stands for it: the usual places of this computer have one."""
    (here.home / "config.toml").write_text('[hosts.x]\nkeep_warm = "no"\ntmux = "/nowhere/tmux"\n')
    done = here.lnode("x", "--init", "--yes")
    assert (done.returncode, done.stdout.count("+command = ")) == (8, 1)
    assert "no tmux that lnode finds" in done.stderr
    assert "  is there a tmux on the login nodes, and which module or path has it?\n" in done.stderr
    assert done.stderr.endswith("lnode: no session can start on x without tmux\n")


def test_a_silent_scheduler_is_not_one_without_queues(here: Nearby) -> None:
    here.program("sinfo", "#!/bin/sh\nexit 1\n")
    done = here.lnode("x", "--init", "--yes")
    assert "lnode: Slurm did not tell its queues, so lnode does not know their limits\n" in done.stderr
    assert 'command = "sinteractive -m {mem} -t {time}"\n' in (here.home / "config.toml").read_text()


def test_a_function_of_the_login_shell_is_a_command_of_the_site(here: Nearby) -> None:
    (here.home / "bin" / "sinteractive").unlink()
    (here.home / ".bash_profile").write_text("interactive() { echo never; }\n")
    real = (here.home / "bin" / "ssh").read_text()
    here.program("ssh", real.replace("exec /bin/sh -c", "SHELL=/bin/bash exec /bin/sh -c"))
    done = here.lnode("x", "--init", "--yes")
    assert 'command = "interactive"\n' in (here.home / "config.toml").read_text(), done.stderr
    assert "how does interactive take memory and time?" in done.stderr


@pytest.mark.parametrize(
    ("script", "request_"),
    [
        ("while getopts 'hm:t:' letter; do :; done", "interact -m {mem} -t {time}"),
        ("# getopts x:\nARGS=$(getopt -o hm:t: --long help,mem:,time: -- $*)", "interact -m {mem} -t {time}"),
        ("case $1 in\n  -t|--time) time=$2; shift 2 ;;\n  -m|--mail) mail=1 ;;\nesac", "interact -t {time}"),
        ('case $1 in\n  "-m" )\n    mem="${2}"\n    shift 2;;\n  --walltime | -t) wall=$2 ;;\nesac',
         "interact -m {mem} -t {time}"),
        ("case $1 in\n  -t|--ntasks) n=$2 ;;\n  -m) quiet=1 ;;\n  *) echo $2 ;;\nesac", "interact"),
        ("getopts mt letter", "interact"),
        ("exec salloc --mem 1G \"$@\"", "interact --mem={mem}M --time={time}"),
    ],
    ids=["getopts", "getopt", "case", "case-lines", "other-meanings", "flags", "hands-on"],
)  # fmt: skip
def test_the_words_of_a_sites_script_are_read_and_it_is_never_run(here: Nearby, script: str, request_: str) -> None:
    (here.home / "bin" / "sinteractive").unlink()
    here.program("interact", f"#!/bin/sh\ntouch $HOME/ran\n{script}\n")
    done = here.lnode("x", "--init", "--yes")
    assert f'command = "{request_}"\n' in (here.home / "config.toml").read_text(), done.stderr


def test_a_sites_script_in_python_too(here: Nearby) -> None:
    (here.home / "bin" / "sinteractive").unlink()
    here.program("interactive", """\
#!/usr/bin/env python3
parser.add_argument("-t", "--time", default="1:00:00")
parser.add_argument('--memory', '-m', type=int)
parser.add_argument("-p", "--ppn", type=int)
parser.add_argument("-g", "--gpu", action="store_true")
""")  # fmt: skip
    assert here.lnode("x", "--init", "--yes").returncode == 0
    assert 'command = "interactive -m {mem} -t {time}"\n' in (here.home / "config.toml").read_text()


QSTAT = """\
#!/bin/sh
if [ "$1" = -Bf ]; then echo '    default_queue = workq'; fi
[ "$1" = -Qf ] || exit 0
echo 'Queue: long'
echo '    resources_max.walltime = 168:00:00'
echo '    enabled = True'
echo 'Queue: workq'
echo '    resources_max.walltime = 24:00:00'
echo '    enabled = True'
echo 'Queue: closed'
echo '    enabled = False'
"""


BQUEUES = """\
#!/bin/sh
echo 'QUEUE_NAME PRIO STATUS'
echo 'night 30 Open:Active'
echo 'old 30 Closed:Active'
"""


@pytest.mark.parametrize(
    ("programs", "title", "request_", "queues"),
    [
        ({"qselect": "", "qstat": QSTAT},
         "PBS", "qsub -I -v LNODE_PANE=$TMUX_PANE -l mem={mem}mb,walltime={time}",
         "long (at most 168:00:00), workq (the default, at most 24:00:00)"),
        ({"bjobs": "", "bqueues": BQUEUES},
         "LSF", "bsub -Is -W 72:00 bash -l", "night"),
        ({"qconf": "#!/bin/sh\nif [ $1 = -sql ]; then echo all.q; fi\n", "qstat": ""},
         "Grid Engine", "qrsh -now no -l h_rt={time}", "all.q"),
        ({"oarstat": ""}, "OAR", "oarsub -I -n lnode$TMUX_PANE -l walltime={time}", ""),
        ({"condor_q": ""}, "HTCondor", "condor_submit -interactive -a request_memory={mem}", ""),
        ({"flux": ""}, "Flux", "flux alloc -N1 -t 72h", ""),
    ],
    ids=["pbs", "lsf", "sge", "oar", "htcondor", "flux"],
)  # fmt: skip
def test_other_schedulers(here: Nearby, programs: dict[str, str], title: str, request_: str, queues: str) -> None:
    for name in ("sinteractive", "squeue", "sinfo"):
        (here.home / "bin" / name).unlink()
    for name, text in programs.items():
        here.program(name, text or "#!/bin/sh\n")
    done = here.lnode("x", "--init", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"x has: {title}; tmux" in done.stderr
    assert (f"lnode: its queues: {queues}\n" in done.stderr) == bool(queues)
    assert f'command = "{request_}"\n' in (here.home / "config.toml").read_text()
