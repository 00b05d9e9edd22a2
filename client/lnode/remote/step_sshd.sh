# shellcheck shell=sh
# What becomes the sshd of own_sshd.sh, where that is to run. The sshd gives its shells the environment of the step: the variables
# that the step has and the login node (in $LNODE_BEFORE) has not, as options of the key that may enter (sshd(8), environment=).
# Every sshd knows these, and no other user can read them, as they could read options of the sshd.
# In $LNODE_JOB is the job, or nothing on a login node.
# Arguments: KEYS (the file)  KEY (public, perhaps behind an option)  and those of sshd
# parts: gpus
keys=$1 key=$2
shift 2

# as_options: the first row NAME=VALUE of each name that is not of the login node, `environment="..."`, with commas between. A value
# that ends with a backslash cannot be quoted there.
as_options() {
  awk '
    BEGIN { count = split(ENVIRON["LNODE_BEFORE"], rows, "\n"); while (count) before[rows[count--]] = 1 }
    !/^[A-Za-z_][A-Za-z0-9_]*=/ || /^(_|PWD|OLDPWD|SHLVL|TERM|LNODE_[A-Z]*)=/ || /[[:cntrl:]]/ || /\\$/ || $0 in before { next }
    seen[substr($0, 1, index($0, "="))]++ { next }
    { gsub(/"/, "\\\""); printf "%senvironment=\"%s\"", comma, $0; comma = "," }'
}

options=
if [ -n "$LNODE_JOB" ]; then
  options=$(
    {
      eval "$gpus_of_shell"
      env
    } | as_options
  )
fi
unset LNODE_BEFORE LNODE_JOB
case $key in command=*) between=, ;; *) between=' ' ;; esac
(umask 077 && printf '%s\n' "$options${options:+$between}$key" >"$keys.$$" && mv "$keys.$$" "$keys") || { rm -f "$keys.$$" && exit 1; }

# listen SSHD WORD...: an sshd on a port of this node, which it says by each name that the node has for itself. It ends an hour after
# the last connection.
listen() {
  file=$keys.$$.pid # two connections may start one at the same moment
  if "$@" -t -o PerSourcePenalties=no 2>/dev/null; then set -- "$@" -o PerSourcePenalties=no; fi # 9.8; all come from one login node
  set -- "$@" -o PidFile="\"$file\"" -o MaxStartups=100 -o ClientAliveInterval=60 -o ClientAliveCountMax=10
  for _ in 1 2 3 4 5; do
    port=$(($(od -An -N2 -tu2 /dev/urandom) % 12768 + 20000)) # below those that Linux gives to connections
    rm -f "$file"
    "$@" -p "$port" </dev/null >/dev/null 2>&1 &
    until [ -s "$file" ] || ! kill -0 "$!" 2>/dev/null; do sleep 0.02 2>/dev/null || sleep 1; done # it writes that once it listens
    if [ -s "$file" ]; then break; fi
  done
  [ -s "$file" ] || exit
  rm -f "$file"
  echo "lnode listens $port $(uname -n) $(hostname -I 2>/dev/null)"
  exec >/dev/null 2>&1
  listener=$!
  {
    idle=0
    while [ "$idle" -lt 60 ] && sleep 60; do
      touch -c "$keys"
      idle=$((idle + 1))
      case $(ps -A -o ppid= | tr -s ' \n' ' ') in '' | *" $listener "*) idle=0 ;; esac
    done
    kill "$listener"
  } &
  wait "$listener" # a step ends with it, not with the minute
  kill "$!"
  exit 0
}

for sshd in "$(command -v sshd)" /usr/sbin/sshd /usr/local/sbin/sshd; do
  if [ -x "$sshd" ]; then
    case $1 in -D) listen "$sshd" "$@" ;; esac
    exec "$sshd" "$@"
  fi
done
echo 'lnode: no sshd' >&2
exit 127
