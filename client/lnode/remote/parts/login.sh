# shellcheck shell=sh
# Part of client.sh: what the login shell of a terminal does whose line has not begun.

# login_shell RUN AGE: a row about the terminal whose line is called RUN, and which logged in AGE seconds ago. `begun` if its line
# runs; `rc PROGRAM` if its login shell is still in its rc files, which run PROGRAM; `other PROGRAM` if PROGRAM has taken that
# shell's place. No row if nothing can be seen, as on another login node. sshd calls a session after its terminal
# (`sshd: alice@pts/3`); a session that is not about as old as AGE is another window's, and so is one with an interactive
# login shell (`-bash`).
login_shell() {
  ps -ww -u "$(id -u)" -o pid= -o ppid= -o etimes= -o tty= -o args= 2>/dev/null | awk -v run=" $1 " -v age="$2" '
    function program(text) {
      sub(/ .*/, "", text)
      sub(/.*\//, "", text)
      return text
    }
    match($0, /^ *[0-9]+ +[0-9]+ +[0-9]+ +[^ ]+ +/) {
      line[$1] = substr($0, RLENGTH + 1)
      child[$2] = $1
      parent[$1] = $2
      old[$1] = $3
      tty[$1] = $4
    }
    END {
      for (pid in line) {
        if (!index(line[pid], run)) continue
        if (line[pid] ~ /^\/bin\/sh -c (eval |lnode_text=)/) { print "begun"; exit }
        if (line[pid] ~ /^[^ ]+ -c exec \/bin\/sh -c /) shell = pid
      }
      if (shell) {
        for (last = shell; (last in child) && child[last] in line; last = child[last]);
        print "rc", index(line[last], run) ? "" : program(line[last])
        exit
      }
      for (pid in line) {
        if (tty[pid] ~ /^[?-]/ || line[pid] ~ /^(-|sshd)/ || index(line[pid], "| base64 -d")) continue
        if (line[parent[pid]] ~ /^sshd[a-z-]*: [^ ]+@(pts|tty)/ && old[pid] <= age + 3 && old[pid] >= age - 15) {
          print "other", program(line[pid])
          exit
        }
      }
    }'
}
