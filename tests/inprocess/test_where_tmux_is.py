"""tmux is found on the PATH of a login shell, by a module, and without a UTF-8 locale."""

from inprocess.cluster_home import TMUX, Site, needs_tmux, write_login_file


@needs_tmux
def test_tmux_on_the_path_of_a_login_shell_only(site: Site) -> None:
    site.program("site-tmux", f'exec {TMUX} "$@"', "hidden")
    write_login_file(
        site,
        posix='PATH=$HOME/hidden:$PATH',
        fish="status is-login; and set -x PATH $HOME/hidden $PATH",
        csh="setenv PATH $HOME/hidden:$PATH",
    )  # fmt: skip
    site.tmux("new-session", "-d", "-s", "a", "cat")
    assert [entry.session.name for entry in site.picture("site-tmux").entries] == ["a"]


@needs_tmux
def test_tmux_by_module_only(site: Site) -> None:
    site.program("site-tmux", f'[ "$LD_LIBRARY_PATH" = "$HOME/lib" ] || exit 1; exec {TMUX} "$@"', "hidden")
    load = '"load tmux"'
    write_login_file(
        site,
        posix=f'module() {{ [ "$*" = {load} ] && export PATH=$HOME/hidden:$PATH LD_LIBRARY_PATH=$HOME/lib; }}',
        fish=f'function module\n test "$argv" = {load}; and set -gx PATH $HOME/hidden $PATH; and '
        "set -gx LD_LIBRARY_PATH $HOME/lib\nend",
        csh=f'alias module \'if ("\\!*" == {load}) eval "setenv PATH $HOME/hidden:$PATH; '
        "setenv LD_LIBRARY_PATH $HOME/lib\"'",
    )
    site.tmux("new-session", "-d", "-s", "a", "cat")
    assert [entry.session.name for entry in site.picture("site-tmux").entries] == ["a"]


@needs_tmux
def test_a_tmux_without_a_utf8_locale(sh_site: Site) -> None:
    complaint = "tmux: need UTF-8 locale (LC_CTYPE) but have ANSI_X3.4-1968"
    picky = sh_site.program(
        "picky-tmux", f'[ "$LC_ALL" = en_US.UTF-8 ] || {{ echo "{complaint}" >&2; exit 1; }}; exec {TMUX} "$@"'
    )
    sh_site.tmux("new-session", "-d", "-s", "a", "cat")
    assert [entry.session.name for entry in sh_site.picture(str(picky)).entries] == ["a"]
