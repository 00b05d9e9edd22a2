# shellcheck shell=sh
# The agents that wait, by the same rules as cluster/agents.py, which the laptop sends as lines (cluster/agent_patterns.py): A the name of
# an agent, M a mark, B what may stand below, P a prompt, Q the question of a dialog, and of that F its footer and L its last choice; U is
# the question of a dialog without numbers, T that of one that wants a text.

# find_waits SECONDS RULES PANES SCREENS: sets $waits to a row `SESSION PANE LOOKS` TAB AGENT TAB QUESTION TAB DIALOG for each pane whose
# agent waits. LOOKS is 1 if somebody is attached to its session, and has pressed a key in the last SECONDS; else 0.
find_waits() {
  waits=$(printf '%s\nlnode-screens\n%s\n' "$3" "$4" | LNODE_RULES=$2 LC_ALL=C awk -v now="$(date +%s)" -v late="$1" '
    BEGIN {
      frame = "(│|┃|▌|▐)"
      box = "(─|━|═|▁|▂|▀|▄|╌|╭|╮|╰|╯|┌|┐|└|┘|│|┃|▌|▐)"
      ruled = "^ *" box box box
      nothing = "([ |,;.]|·|•|▲|▼|" box ")+"
      draft = "^ ? ?(>|❯|›|!|[*]) "
      typed = "^([^ ]*([$#%>]|❯|›|»|➜|λ) |[+<>-] )"
      status = "^[[][^]]*[]].*[0-9]:[^ ]+[*]"
      count = split(ENVIRON["LNODE_RULES"], rule, "\n")
      for (i = 1; i <= count; i++) {
        kind = substr(rule[i], 1, 1)
        value = substr(rule[i], 3)
        if (kind == "A") { agents++; name[agents] = value }
        else if (kind ~ /[QUT]/) { dialogs++; question[dialogs] = value; of_dialog[dialogs] = agents; kinds[dialogs] = kind }
        else if (kind == "F") footer[dialogs] = value
        else if (kind == "L") ending[dialogs] = value
        else if (kind == "M") mark[agents, ++marks[agents]] = value
        else if (kind == "B") below[agents, ++belows[agents]] = value
        else if (kind == "P") { prompts++; prompt[prompts] = value; of_prompt[prompts] = agents }
      }
    }
    !begun && /^lnode-screens$/ { begun = 1; next }
    !begun && /^[$][0-9]+ [0-9]+ [0-9]* [0-9]+ [0-9]+ %[0-9]+ f/ { session[$6] = $1; looks[$6] = ($4 > 0 && now - $3 <= late) + 0; next }
    !begun { next }
    /^%[0-9]+ c[01]* a[01]* t[0-9]*( |$)/ { look(); pane = $1; shows = $2; other = $3; size = cursor = 0; next }
    /^[|>]/ && pane != "" { row[++size] = substr($0, 2); if (substr($0, 1, 1) == ">") cursor = size }
    END { look() }

    function look(  i) {
      if (pane == "" || !(pane in session)) return
      for (i = 1; i <= size; i++) row[i] = unframed(row[i])
      if (shows == "c0" && other == "a1" && size && row[size] ~ status) size--
      while (size && blank(row[size]) && cursor < size) size--
      asked = ""
      for (i = 1; i <= agents && asked == ""; i++) { dialog(i); if (asked == "") menu(i) }
      for (i = 1; i <= agents && asked == ""; i++) ask_text(i)
      if (asked == "") ask_prompts()
      if (asked != "") print session[pane] " " pane " " looks[pane] "\t" asked
      pane = ""
    }

    function unframed(text) {
      gsub("\302\240", " ", text)
      sub(/ +$/, "", text)
      if (text !~ ruled && text ~ (frame "$")) { sub(frame "$", "", text); sub(/ +$/, "", text) }
      if (text !~ ruled && text ~ ("^ *" frame)) sub(frame, " ", text)
      return text
    }

    function blank(text) {
      gsub(nothing, "", text)
      return text == ""
    }

    # is_marked: does the row begin with a mark of agent a?
    function is_marked(text, a,  i) {
      sub(/^ +/, "", text)
      for (i = 1; i <= marks[a]; i++) if (index(text, mark[a, i]) == 1) return 1
      return 0
    }

    # numbered: does the row begin a choice of agent a? Sets its number, text, and the column of the text.
    function numbered(text, a,  i, marked) {
      match(text, /^ */)
      column = RLENGTH
      text = substr(text, column + 1)
      for (i = 1; i <= marks[a] && !marked; i++) if (index(text, mark[a, i]) == 1) {
        marked = 1
        text = substr(text, length(mark[a, i]) + 1)
        match(text, /^ */)
        column += 1 + RLENGTH
        text = substr(text, RLENGTH + 1)
      }
      if (text !~ /^[0-9][0-9]?[.)] +[^ ]/) return 0
      number = text + 0
      match(text, /^[0-9]+[.)] +/)
      column += RLENGTH
      words = substr(text, RLENGTH + 1)
      return 1
    }

    function dialog(a,  bottom, at, found, lines, wanted, marked, top, end, last, list) {
      for (bottom = size; bottom && !numbered(row[bottom], a); bottom--) ;
      if (!bottom) return
      wanted = -1
      for (at = bottom; at && lines <= 6 && found < 12 && wanted; at--) {
        if (!numbered(row[at], a)) { lines++; continue }
        if (found && number != wanted) break
        found++; lines = 0; wanted = number - 1; top = at
        list = number " " words "  " list
      }
      if (wanted || found < 2) return
      numbered(row[bottom], a)
      last = words
      for (end = bottom + 1; end <= size && end < bottom + 6 && substr(row[end], 1, column) ~ /^ +$/ && !blank(row[end]); end++)
        last = last " " row[end]
      for (at = top; at < end; at++) marked += is_marked(row[at], a)
      if (marked == 1) judge(a, top, end, last, list, "Q")
    }

    # menu: choices without numbers in one column, one of them marked.
    function menu(a,  marked_at, col, top, end, at, found, list, last) {
      for (marked_at = size; marked_at && !column_of(row[marked_at], a); marked_at--) ;
      if (!marked_at) return
      col = column_of(row[marked_at], a)
      for (top = marked_at; top > 1 && indent(row[top - 1]) == col; top--) ;
      for (end = marked_at + 1; end <= size && indent(row[end]) >= col; end++) ;
      for (at = top; at < end; at++) {
        if (at == marked_at || indent(row[at]) == col) { found++; last = "" }
        last = last " " (at == marked_at ? after_mark : row[at])
        list = list " " (at == marked_at ? after_mark : row[at])
      }
      sub(/^ +/, "", last)
      if (found >= 2 && found <= 12) judge(a, top, end, last, list, "U")
    }

    # column_of: the column of the text behind a mark of agent a, 0 for a row without one; sets $after_mark to that text.
    function column_of(text, a,  i, lead) {
      match(text, /^ */)
      lead = RLENGTH
      text = substr(text, lead + 1)
      for (i = 1; i <= marks[a]; i++) if (index(text, mark[a, i]) == 1) {
        text = substr(text, length(mark[a, i]) + 1)
        if (text !~ /^ +[^ ]/) return 0
        match(text, /^ +/)
        after_mark = substr(text, RLENGTH + 1)
        return lead + 1 + RLENGTH
      }
      return 0
    }

    function indent(text) {
      match(text, /^ */)
      return blank(text) ? -1 : RLENGTH
    }

    # in_draft: do the choices stand in a text that is typed to an agent? Its first row follows a rule, and a rule ends it.
    function in_draft(top, end,  i) {
      for (i = 1; i < top - 1; i++) if (row[i] ~ ruled && row[i + 1] ~ draft && row[i + 1] !~ /^ *([^ 0-9]+ *)?[0-9][0-9]?[.)] +[^ ]/) break
      if (i >= top - 1) return 0
      for (i = end; i <= size; i++) if (row[i] ~ ruled) return 1
      return 0
    }

    # judge: is this block of choices a live question of agent a, of a rule of that kind?
    function judge(a, top, end, last, list, kind,  under, over, i, j, rest, low) {
      if (shows == "c1" && (other == "a1" || cursor < top || cursor >= end) || in_draft(top, end)) return
      under = joined(end, size)
      over = joined((top > 12 ? top - 12 : 1), top - 1)
      low = tolower(last)
      gsub(/ +/, " ", low)
      for (i = 1; i <= dialogs; i++) if (of_dialog[i] == a && kinds[i] == kind && tolower(over) ~ question[i]) {
        if (!((i in footer) && tolower(under) ~ footer[i] || (i in ending) && low ~ ending[i] || !(i in footer) && !(i in ending))) continue
        rest = tolower(under)
        if (i in footer) gsub(footer[i], " ", rest)
        for (j = 1; j <= belows[a]; j++) gsub(below[a, j], " ", rest)
        if (!blank(rest)) continue
        asked = name[a] "\t" asking(top, question[i]) "\t" over "  " list last
        return
      }
    }

    # ask_text: does agent a ask for a text? The footer ends the screen, and the cursor is hidden or above it.
    function ask_text(a,  at, i, under, over, rest) {
      if (shows == "c1" && (other == "a1" || !cursor)) return
      for (at = size; at > 1 && at > size - 4 && !(shows == "c1" && cursor >= at); at--) {
        under = tolower(joined(at, size))
        over = joined((at > 12 ? at - 12 : 1), at - 1, 1)
        for (i = 1; i <= dialogs; i++) if (of_dialog[i] == a && kinds[i] == "T" && under ~ footer[i] && tolower(over) ~ question[i]) {
          rest = under
          gsub(footer[i], " ", rest)
          if (!blank(rest)) continue
          asked = name[a] "\t" asking(at, question[i], 1) "\t" over
          return
        }
      }
    }

    # joined: the rows that are not blank, in one line; without those that begin as a draft does, if SKIPS.
    function joined(first, final, skips,  i, text) {
      for (i = first; i <= final; i++) if (!blank(row[i]) && !(skips && row[i] ~ draft)) text = text " " row[i]
      gsub(/ +/, " ", text)
      sub(/^ /, "", text)
      return text
    }

    # asking: the paragraph above the choices that asks, and the last one.
    function asking(top, expression, skips,  at, text, first) {
      for (at = top - 1; at >= 1 && at >= top - 12; at--) {
        if (skips && row[at] ~ draft) { if (at > 1 && at > top - 12) continue }
        else if (!blank(row[at])) { text = row[at] " " text; if (at > 1 && at > top - 12) continue }
        if (text != "") {
          gsub(/ +/, " ", text)
          gsub(/^ | $/, "", text)
          if (tolower(text) ~ expression) return short(text (first == "" ? "" : " " first))
          if (first == "") first = text
          text = ""
        }
      }
      return short(first)
    }

    # short: 200 bytes at most, and no part of a character at its end.
    function short(text) {
      if (length(text) <= 200) return text
      text = substr(text, 1, 200)
      sub(/[\300-\377][\200-\277]*$/, "", text)
      return text
    }

    function ask_prompts(  text) {
      if (!size || other == "a1" || shows == "c0" || (shows == "c1" && cursor != size)) return
      ask_prompt(row[size])
      if (asked == "" && size > 1 && length(row[size - 1]) >= 32 && row[size] ~ /[])?:]/) ask_prompt(row[size - 1] row[size], row[size - 1])
    }

    # ask_prompt: is the text a question? Not if ABOVE, its beginning, is a whole one.
    function ask_prompt(text, above,  i, quotes) {
      sub(/^ +/, "", text)
      sub(/ +$/, "", text)
      if (text ~ typed) return
      quotes = tolower(text)
      while (sub(/[a-z0-9_]\047[a-z0-9_]/, "", quotes)) ;
      if (gsub(/["\047]/, "", quotes) % 2) return
      sub(/ +$/, "", above)
      for (i = 1; i <= prompts; i++) if (above != "" && tolower(above) ~ prompt[i]) return
      for (i = 1; i <= prompts; i++) if (tolower(text) ~ prompt[i]) {
        asked = name[of_prompt[i]] "\t" short(text) "\t" joined((size > 2 ? size - 2 : 1), size)
        return
      }
    }')
}
