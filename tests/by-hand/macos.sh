#!/bin/sh
# 20 checks of lnode on a Mac, in about five minutes: sh tests/by-hand/macos.sh [HOST]
# Prints a report: please send all of it. Needs what README.md asks for: Python 3.11 or newer, and ssh. No cluster: the demo is enough;
# with HOST, an alias of your ~/.ssh/config, also one look at that host, which may ask you to sign in.
# Everything is in one temporary folder, also lnode's home; all that it starts, it ends. On Linux the checks of macOS say so.
# Runs in bash 3.2, zsh, dash; BSD or GNU programs.
# The folder must keep its name on the command line of all that is started: by that name leftovers are found.
if [ -n "${ZSH_VERSION:-}" ]; then emulate -R sh; fi
set -u
umask 077

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
host=${1:-}
system=$(uname -s)
tests=${LNODE_CHECK_TESTS:-tests/pure} # those of check 2
whole_s=${LNODE_CHECK_LIMIT:-900}
step_s=60
failed=0 number=0

# A newer Python may have only its long name.
python=
for name in python3 python3.14 python3.13 python3.12 python3.11; do
  if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    python=$(command -v "$name")
    break
  fi
done
if [ -z "$python" ]; then
  echo "there is no Python 3.11 or newer here; on a Mac: brew install python" >&2
  exit 2
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/lnode-check.XXXXXX") || exit 2
folder=$(cd "$folder" && pwd -P)
home=$folder/home
mkdir "$home" "$folder/bin" "$folder/copy"
before=$(echo /tmp/lnode-demo-*)
your_home=$HOME

hands() { "$python" "$here/hands.py" "$@"; }

# ours: the processes that have the folder in their words, but for this shell and what runs for it
ours() { ps -A -ww -o pid= -o args= | awk -v at="$folder" -v me="$$" 'index($0, at) && $1 != me && !/awk -v at=/ && !/hands.py watch/ { print $1 }'; }

clean_up() {
  trap '' INT TERM HUP
  if [ -x "$lnode" ]; then hands limit 30 "$lnode" demo --reset >/dev/null 2>&1; fi
  for signal in TERM KILL; do
    for pid in $(ours); do kill "-$signal" "$pid" 2>/dev/null; done
    if [ -n "$(ours)" ]; then sleep 1; fi
  done
  kill "$watchdog" 2>/dev/null
  rm -rf "$folder"
}

lnode=$folder/copy/.venv/bin/lnode
"$python" "$here/hands.py" watch "$whole_s" $$ "$folder" & # not by the function: its pid is to be python's
watchdog=$!
trap clean_up EXIT
trap 'echo "FAILED   ended before its last check (after $whole_s s, or by a signal)"; exit 1' INT TERM HUP

# lnode's own: a home, an ssh configuration (ssh itself takes your home from the password database), a shell that it knows.
your_path=$PATH
export HOME="$home" LNODE_CONFIG="$folder/config.toml" XDG_STATE_HOME="$home/state" XDG_CONFIG_HOME="$home/config"
PATH=$folder/bin:$PATH
export PATH TERM="${TERM:-xterm-256color}"
case ${SHELL:-} in */bash | */zsh | */sh | */dash) ;; *) SHELL=/bin/sh ;; esac
export SHELL
ssh=$(PATH=$your_path command -v ssh) || ssh=
printf '#!/bin/sh\nexec "%s" -F "%s/ssh_config" "$@"\n' "$ssh" "$folder" >"$folder/bin/ssh"
printf '#!/bin/sh\nexec "%s" "$@"\n' "$python" >"$folder/bin/python3"
chmod 755 "$folder/bin/ssh" "$folder/bin/python3"
: >"$folder/ssh_config"

# plain TEXT: without your name and your folders, in one line
plain() {
  printf '%s\n' "$1" | sed "s#$folder#FOLDER#g; s#$root#REPOSITORY#g; s#$your_home#~#g" | tr '\n' '|' | sed 's/|*$//' | cut -c 1-600 | tr -d '\n'
}

# is OK TEXT NOTE: print the result of the next check; OK is 0, 1, or `no` for one that is not for this system
is() {
  number=$((number + 1))
  case $1 in
    0) word='ok    ' ;;
    no) word='--    ' ;;
    *) word=FAILED failed=$((failed + 1)) ;;
  esac
  if [ "$1" = 0 ] || [ "$1" = no ]; then
    note=${3:-}
  elif [ -n "${4:-}" ]; then
    note=$4
  else
    note=$(cat "$folder/said")
  fi
  note=$(plain "$note")
  printf '%s %2d %s%s\n' "$word" "$number" "$2" "${note:+: $note}"
}

# play PROGRAM...: type the steps of standard input into a terminal
play() { hands play "$step_s" "$@" >"$folder/said" 2>&1; }

# limited SECONDS PROGRAM...: its output in `said`
limited() { hands limit "$@" >"$folder/said" 2>&1; }

# has WORDS...: each stands in `said`
has() {
  for its in "$@"; do grep -qF -e "$its" "$folder/said" || return 1; done
}

# block HEADING: the first sh block below a heading of README.md
block() {
  awk -v heading="## $1" '/^## / { here = ($0 == heading) } inside && /^```/ { exit } inside { print } here && /^```sh$/ { inside = 1 }' "$root/README.md"
}

echo "lnode on this computer, $(date '+%Y-%m-%d'); please send all lines"
if command -v sw_vers >/dev/null 2>&1; then plain "$(sw_vers)"; else plain "$(uname -srm)"; fi
echo
version=$("$ssh" -V 2>&1)
echo "machine $(uname -m), $version at $ssh"
echo "Python $("$python" -c 'import platform; print(platform.python_version(), platform.platform())'), $(plain "$python")"
echo "tmux: $(tmux -V 2>/dev/null || echo none); shell $SHELL; terminal ${TERM_PROGRAM:-?} $TERM; LANG ${LANG:-none}"
echo "TMPDIR has ${#folder} characters; commit $(cd "$root" && git rev-parse --short HEAD 2>/dev/null || echo unknown)"
touch "$folder/case"
if [ -e "$folder/CASE" ]; then cases=insensitive; else cases=sensitive; fi
echo "names of files: case-$cases"
echo

# 1, 2: README.md word for word, in a copy. The first ends in the demo.
(cd "$root" && COPYFILE_DISABLE=1 tar -cf - --exclude ./.git --exclude ./.venv --exclude '*cache*' .) | (cd "$folder/copy" && tar -xf -)
block 'Try it' >"$folder/try"
step_s=300
play /bin/sh -c "cd '$folder/copy' && . '$folder/try'" <<'STEPS'
see [you@c001 ~]$
type clear; x=42\r
until it is 42.|echo it is $x.\r
type \x02d
end 0
STEPS
is $? 'README, "Try it": installs, and you are on c001; Ctrl-b d leaves'
step_s=60
block Test | sed "s#pytest\$#pytest -q $tests#" >"$folder/test"
limited 400 /bin/sh -c "cd '$folder/copy' && . '$folder/test'"
is $? "README, \"Test\": $tests" "$(grep -E 'passed' "$folder/said" | tail -n 1)" "$(tail -n 15 "$folder/said")"

# 3
limited 30 "$lnode" --version
version=$(cat "$folder/said")
limited 30 "$lnode" --help && has 'Usage: lnode' && limited 30 "$lnode" --man && cp "$folder/said" "$folder/lnode.1"
result=$?
if [ $result = 0 ] && command -v man >/dev/null 2>&1; then
  limited 30 /bin/sh -c "MANPAGER=cat PAGER=cat man '$folder/lnode.1' </dev/null"
  tr -d '\010' <"$folder/said" | grep -q 'lnode' || result=1
  version="$version; man reads its page"
fi
is $result '--version, --help, --man' "$version"

# 4
play "$lnode" demo <<'STEPS'
until it is 42.|echo it is $x.\r
type \x02d
end 0
STEPS
is $? 'lnode demo again: the same shell; Ctrl-b d'

# 5
play "$lnode" demo <<STEPS
until still 42.|echo still \$x.\r
run "$lnode" demo --drop 120
see silent for
type abc
see 3 keys not sent
run "$lnode" demo --drop 1
until back 42.|echo back \$x.\r
never abcecho
type \x02d
end 0
STEPS
is $? 'the wire is cut, the notice stands, keys are not sent, and it comes back'

# 6
limited "$step_s" "$lnode" demo --ls && has SESSION c001
is $? '--ls' "$(tail -n 1 "$folder/said")"

# 7
limited "$step_s" "$lnode" demo sim --run -- train && limited 20 "$lnode" demo sim --logs
for _ in 1 2 3 4 5 6; do
  if has 'epoch 2 of'; then break; fi
  sleep 1
  limited 20 "$lnode" demo sim --logs
done
has 'epoch 2 of' && limited "$step_s" "$lnode" demo sim --kill --yes
is $? '--run, --logs, --kill'

# 8
if command -v tmux >/dev/null 2>&1; then
  word="sent-$$"
  limited "$step_s" "$lnode" demo --ls
  session=$(awk '/c001/ { print $1; exit }' "$folder/said")
  limited "$step_s" "$lnode" demo "$session" --send "echo $word"
  for _ in 1 2 3 4 5 6; do
    limited "$step_s" "$lnode" demo "$session" --peek && has "$word" && break
    sleep 1
  done
  has "$word"
  is $? '--send and --peek'
else
  is no '--send and --peek' 'there is no tmux here'
fi

# 9, 17, 18: a host that takes the connection and never says a word
"$python" "$here/hands.py" deaf "$folder/port" &
deaf=$!
for _ in 1 2 3 4 5 6 7 8 9; do if [ ! -s "$folder/port" ]; then sleep 1; fi; done
cat >"$folder/ssh_config" <<CONFIG
Host deaf
  HostName 127.0.0.1
  Port $(cat "$folder/port")
  User you
  IdentityFile "$folder/with blank"
  UserKnownHostsFile "$folder/known_hosts"
Host *
  ServerAliveInterval 60
CONFIG
printf '[hosts.deaf]\n' >"$LNODE_CONFIG"
play "$lnode" <<'STEPS'
see asking deaf
type q
end 0
STEPS
is $? 'lnode alone: the list of hosts is there before an answer, and q leaves'

# 10
if command -v zsh >/dev/null 2>&1; then
  cat >"$folder/completes" <<'ZSH'
path=($1 $path)
autoload -Uz compinit && compinit -u -D && eval "$(lnode --completion zsh)" && echo "word ${_comps[lnode]}" && lnode --complete zsh demo --lo
ZSH
  limited 30 zsh -f "$folder/completes" "$folder/copy/.venv/bin" && has 'word _lnode' --login --logs
  is $? 'completion in zsh'
else
  is no 'completion in zsh' 'there is no zsh here'
fi

# 11: in your own home, where your keychain is; one entry that is removed at once
if [ "$system" = Darwin ]; then
  limited 60 env HOME="$your_home" "$folder/copy/.venv/bin/python" -c '
import keyring
backend = keyring.get_keyring()
print(type(backend).__module__)
assert "macOS" in type(backend).__module__, type(backend)
keyring.set_password("lnode-check", "check", "word")
assert keyring.get_password("lnode-check", "check") == "word"
keyring.delete_password("lnode-check", "check")'
  is $? 'the keychain takes an answer, gives it and forgets it' "$(tail -n 1 "$folder/said")"
else
  is no 'the keychain' 'not on this system'
fi

# 12
if [ "$system" = Darwin ]; then
  limited 30 "$folder/copy/.venv/bin/python" -c 'from lnode.laptop import notify; notify.send("lnode", "a check of notifications")'
  hands ask 30 '    Did a notification of lnode appear?'
  case $? in
    0) is 0 'a notification by osascript' 'you saw it' ;;
    1) is 1 'a notification by osascript' '' 'you saw none; System Settings, Notifications, Script Editor' ;;
    *) is no 'a notification by osascript' 'nobody answered' ;;
  esac
else
  is no 'a notification by osascript' 'not on this system'
fi

# 13: sun_path has 104 bytes
long=$home/$("$python" -c 'print("/".join(["long-name-of-a-folder"] * 5))')
mkdir -p "$long"
limited "$step_s" env HOME="$long" XDG_STATE_HOME="$long/state" TMPDIR="$long" "$lnode" demo --ls
result=$?
longest=$(find /tmp/lnode-* "$long" -type s 2>/dev/null | awk '{ if (length > most) most = length } END { print most + 0 }')
shared=$("$folder/copy/.venv/bin/python" -c 'from lnode.laptop.folders import private_folder; print(len(private_folder(86 - 17) or ""))')
hands limit 30 env HOME="$long" XDG_STATE_HOME="$long/state" "$lnode" demo --reset >/dev/null 2>&1
if [ "$longest" -ge 104 ] || [ "$shared" = 0 ]; then result=1; fi
is "$result" "a home of ${#long} characters: sockets have short paths" "longest $longest, folder of masters $shared"

# 14: ssh's own ~^Z, in a shell with jobs
play /bin/sh -i <<STEPS
type PS1='at-home> '\r
see at-home>
type "$lnode" demo\r
until there 42.|echo there \$x.\r
type \r~\x1a
until here-now|echo here-no\`echo w\`\r
type fg\r
until again 42.|echo again \$x.\r
type \x02d
until home-again|echo home-agai\`echo n\`\r
type exit\r
end 0
STEPS
is $? '~ Ctrl-Z stops lnode, fg brings it back'

# 15
play "$lnode" demo <<'STEPS'
until before 42.|echo before $x.\r
signal STOP
pause 15
signal CONT
until after 42.|echo after $x.\r
type \x02d
end 0
STEPS
is $? 'stopped for 15 s, as by a closed lid, and back'

# 16
play /bin/sh -c "exec '$lnode' demo </dev/tty" <<STEPS
until through 42.|echo through \$x.\r
run "$lnode" demo --drop 120
see silent for
type ab
see 2 keys not sent
run "$lnode" demo --drop 1
until and-back 42.|echo and-back \$x.\r
type \x02d
end 0
STEPS
is $? 'lnode </dev/tty, which kqueue cannot watch'

# 17
began=$(date +%s)
limited 120 "$lnode" deaf --ls
result=$?
took=$(($(date +%s) - began))
words=$("$folder/copy/.venv/bin/python" -c 'from lnode.ssh import arguments
print(*arguments.question_argv("deaf", "true", connect_timeout_s=10))')
case $result$system$words in
  4Darwin*ConnectTimeout* | [!4]*) good=1 ;;
  4Darwin* | *ConnectTimeout*) good=0 ;;
  *) good=1 ;;
esac
is "$good" 'a host that never answers is given up' "after $took s; $words" "exit $result after $took s; $words; $(cat "$folder/said")"

# 18
ask_meaning='import sys
from lnode.ssh.target import Resolving
found = Resolving(sys.argv[1]).target()
print(found.port, len(found.options), "known_hosts:", len(found.known_hosts_files), *sorted({"apple" + k[5:] for k in found.options if k.startswith("apple")} | (
    {"usekeychain", "channeltimeout", "requiredrsasize", "logverbose", "obscurekeystroketiming", "warnweakcrypto"} & set(found.options))))
print(*found.options.get("kexalgorithms", ("?",)))'
limited 30 "$folder/copy/.venv/bin/python" -c "$ask_meaning" deaf && has "$(cat "$folder/port") "
is $? 'ssh -G is understood' "$(cat "$folder/said")"

# 19: two names that a Mac's own file system takes for one
limited "$step_s" "$lnode" demo Case --run -- echo upper && limited "$step_s" "$lnode" demo case --run -- echo lower
result=$?
upper=$(hands limit "$step_s" "$lnode" demo Case --logs 2>&1)
lower=$(hands limit "$step_s" "$lnode" demo case --logs 2>&1)
note="Case says $upper, case says $lower"
case $cases$result$upper$lower in
  sensitive0upperlower | insensitive0*lower) result=0 ;; # the second may replace the first
  insensitive*) if has hint:; then result=0; fi ;;       # or lnode says why not
  *) result=1 ;;
esac
is "$result" "runs Case and case, on names that are case-$cases" "$note" "$note; $(cat "$folder/said")"

# 20
limited 60 "$lnode" demo --reset
result=$?
kill "$deaf"
sleep 2
left=$(for pid in $(ours); do ps -ww -o args= -p "$pid"; done; find "$home" -path '*demo*')
for path in /tmp/lnode-demo-*; do
  case $before in *"$path"* | '') ;; *) if [ -e "$path" ]; then left="$left $path"; fi ;; esac
done
if [ -n "$left" ]; then result=1; fi
is "$result" 'lnode demo --reset leaves nothing' '' "exit $result; left: $left"

# your host, in your own home
if [ -n "$host" ]; then
  echo
  HOME=$your_home PATH=$your_path
  export HOME PATH
  unset LNODE_CONFIG XDG_STATE_HOME XDG_CONFIG_HOME
  for words in --ls --doctor; do
    limited 30 "$folder/copy/.venv/bin/python" -c "$ask_meaning" "$host"
    echo "HOST ssh -G: $(plain "$(cat "$folder/said")")"
    "$lnode" "$host" "$words" >"$folder/said" 2>&1
    echo "HOST $words ended with $?; read this before you send it:"
    sed 's/^/     /' "$folder/said"
  done
fi

echo
echo "$number checks, $failed failed"
[ "$failed" = 0 ]
