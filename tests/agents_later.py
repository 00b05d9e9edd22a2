"""More of the corpus: dialogs of later versions, choices without a number, questions for a text, and drafts"
" that quote."""

import re
from collections.abc import Sequence

from agents_paint import (
    DONE,
    HIDE,
    SHOW,
    TALK,
    WAITS,
    WORKING,
    Draw,
    Scene,
    aider,
    below,
    boxed,
    claude,
    codex,
    flowed,
    in_pager,
    in_tmux,
    lines,
    printed,
    quoting,
)

_HEAD = re.compile(r"\s*(?:[❯›●>▸] ?\s*)?(?:\d{1,2}\.\s+)?(?:\[.\] )?")


def laid(rows: Sequence[str], columns: int) -> list[str]:
    """Lay out rows: wrapped at words, further rows under the text of the first. `───` is a rule, `=` a hard row."""
    found: list[str] = []
    for row in rows:
        head = _HEAD.match(row)
        if row in {"───", "╌╌╌"}:
            found.append(row[0] * columns)
        elif row.startswith("="):
            found.append(row[1:][:columns])
        elif head is None or not row.strip():
            found.append("")
        else:
            found += flowed(row[head.end() :], columns - 1, head[0], " " * head.end())
    return found


def drawn(*rows: str, ends: str = HIDE) -> Draw:
    """Rows as an agent draws them, below a part of its talk."""

    def draw(columns: int, _: int) -> str:
        return lines([*flowed(TALK[0], columns - 1, "● "), "", *laid(rows, columns), ""]) + ends

    return draw


def colored(scene: Draw) -> Draw:
    """The same in colours: an escape sequence around each row."""
    return lambda columns, rows: "\r\n".join(
        f"\x1b[38;5;{31 + at % 7}m\x1b[1m{row}\x1b[0m" for at, row in enumerate(scene(columns, rows).split("\r\n"))
    )


def in_box(inside: Sequence[str], under: Sequence[str] = ()) -> Draw:
    return lambda columns, _: HIDE + lines([*boxed(inside, columns), *laid(under, columns)]) + "\r\n"


def with_draft(draft: Sequence[str], under: str = "? for shortcuts") -> Draw:
    """Claude Code with a text of several rows in the line for you."""

    def draw(columns: int, _: int) -> str:
        rows = [*flowed(TALK[1], columns - 1, "● "), "", "─" * columns]
        rows += [row for at, text in enumerate(draft) for row in laid([f"{'  ' if at else '❯ '}{text}"], columns)]
        return lines([*rows, "─" * columns, f"  {under}"]) + HIDE

    return draw


ANY = -1  # a wrapped choice without a number looks like two

TRUST = drawn(
    "───", " Accessing workspace:", "", " /home/me/project", "",
    " Quick safety check: Is this a project you created or one you trust? (Like your own code, a well-known"
    " open source"
    " project, or work from your team). If not, take a moment to review what's in this folder first.", "",
    " Claude Code'll be able to read, edit, and execute files here.", "", " Security guide", "",
    "   Yes, I trust this folder", " ❯ No, exit", "", " Enter to confirm · Esc to cancel",
)  # fmt: skip
MCP = drawn(
    "───", "  New MCP server found in this project: records", "",
    "  MCP servers may execute code or access system resources. All tool calls require approval.", "",
    "    Use this MCP server", "  ❯ Use this and all future MCP servers in this project",
    "    Continue without using this MCP server", "", "  Enter to confirm · Esc to cancel",
)  # fmt: skip
MCP_MANY = drawn(
    "───", "  3 new MCP servers found in this project", "  Select any you wish to enable.", "",
    "  ❯ [✔] records", "    [✔] papers", "    [ ] jobs", "",
    " Space to select · Enter to confirm · Esc to reject all",
)  # fmt: skip
PLAN = drawn(
    "───", " Ready to code?", "", " Here is Claude's plan:", "╌╌╌", " Plan", "",
    " Add a schedule to train.py, then run it.", "╌╌╌",
    "", "───", " Claude has written up a plan and is ready to execute. Would you like to proceed?", "",
    " ❯ 1. Yes, and use auto mode", "   2. Yes, manually approve edits",
    "   3. No, refine with Ultraplan on Claude Code on the web",
    "   4. Tell Claude what to change", "      shift+tab to approve with this feedback", "",
    " ctrl+g to edit in  VS Code  · ~/.claude/plans/add-a-quiet-schedule.md",
)  # fmt: skip
ASK = (
    "───", " ☐ Partition", "", "Which partition shall the job use?", "", "❯ 1. gpu", "     One A100, 24 h at most",
    "  2. long", "     No GPU, 7 days", "  3. Type something.", "───", "  4. Chat about this", "",
    "Enter to select · ↑/↓ to navigate · Esc to cancel",
)  # fmt: skip
TALL = (
    "───", "←  ☐ Data  ☐ Where  ✔ Submit  →", "", "Where shall the checkpoints of this run go?", "",
    "❯ 1. Scratch (Recommended)",
    "     Fast and large, and emptied after 30 days without a word, so a copy is needed for all that shall stay",
    "  2. Project",
    "     Backed up each night, but the quota of the group is nearly used up by the runs of the last two months",
    "  3. Home",
    "     Small, and other sessions have their files there, so that a run may fail in the middle of the night",
    "  4. Nowhere", "     Only the last weights are kept, and a run that ends early begins again from nothing at all",
    "  5. Type something.", "───", "  6. Chat about this", "",
    "Enter to select · Tab/Arrow keys to navigate · Esc to cancel",
)  # fmt: skip
SUBMIT = (
    "───", "←  ☒ Tests  ✔ Submit  →", "", "Which tests shall run?", "", "  1. [✔] unit", "     a minute",
    "  2. [ ] slow",
    "     an hour", "  3. [ ] Type something", "❯    Submit", "───", "  4. Chat about this", "",
    "Enter to select · Tab/Arrow keys to navigate · Esc to cancel",
)  # fmt: skip
REVIEW = (
    "───", "←  ☒ Tests  ☒ Where  ✔ Submit  →", "", "Review your answers", "", " ● Which tests shall run?",
    "   → unit", "",
    "Ready to submit your answers?", "", "❯ 1. Submit answers", "  2. Cancel",
)  # fmt: skip
BARE = drawn("Do you want to run `sbatch train.sh`?", "❯ Yes", "  No")
CODEX_CWD = drawn(
    "Choose working directory to resume this session", "", "  Session = latest cwd recorded in the resumed session",
    "  Current = your current working directory", "", "› 1. Use session directory (/home/me/project)",
    "  2. Use current directory (/home/me)", "", "  Press enter to continue",
)  # fmt: skip
CODEX_TEXT = drawn(
    "  Question 1/1 (1 unanswered)", "  Goal", "  Which learning rate shall I begin with?", "",
    "  › Type your answer (optional)",
    "", "", "  enter to submit answer | esc to interrupt", ends="\x1b[4A\x1b[5G" + SHOW,
)  # fmt: skip
GEMINI_NEW = (
    "Action Required   1 of 2", "", "?  Shell sbatch train.sh [current working directory ~/project]", "",
    "sbatch train.sh",
    "Allow execution of: 'sbatch'?", "", "● 1. Allow once", "  2. Allow for this session",
    "  3. Allow this command for all future sessions", "  4. No, suggest changes (esc)", "",
)  # fmt: skip
GEMINI_FOOT = (
    "=                     ? for shortcuts", "───", " Shift+Tab to accept edits     1 GEMINI.md file | 2 MCP servers",
    "= workspace (/directory)  branch  /model",
    "= ~/p  main  no sandbox  gemini-3-pro",
)  # fmt: skip
GEMINI_TEXT = drawn(
    "← □ Rate │ □ Notes │ ≡ Review →", "", "Which learning rate shall I begin with?", "", "> Enter your response", "",
    "Enter to submit · Tab/Shift+Tab to switch questions · Esc to cancel",
)  # fmt: skip

LATER: tuple[Scene, ...] = (
    # Claude Code
    Scene("claude-trust-plain", "claude", WAITS, TRUST, "", "one you trust?", 2),
    Scene("claude-mcp-plain", "claude", WAITS, MCP, "", "New MCP server", ANY),
    Scene("claude-mcp-many", "claude", WAITS, MCP_MANY, "", "new MCP servers", 0),
    Scene("claude-plan-2.1", "claude", WAITS, PLAN, "✳ Plan", "Would you like to proceed?", 4),
    Scene("claude-plan-keep", "claude", WAITS, drawn(
        " Would you like to proceed?", "", " ❯ 1. Yes, and auto-accept edits",
        "   2. Yes, and manually approve edits",
        "   3. No, keep planning"), "✳ Plan", "Would you like to proceed?", 3),
    Scene("claude-ask", "claude", WAITS, drawn(*ASK), "✳ Ask", "Which partition", 4),
    Scene("claude-ask-colored", "claude", WAITS, colored(drawn(*ASK)), "✳ Ask", "Which partition", 4),
    Scene("claude-ask-tall", "claude", WAITS, drawn(*TALL), "✳ Ask", "Where shall the checkpoints", 6),
    Scene("claude-ask-submit", "claude", WAITS, drawn(*SUBMIT), "✳ Ask", "Which tests", 4),
    Scene("claude-ask-review", "claude", WAITS, drawn(*REVIEW), "✳ Ask", "Ready to submit", 2),
    Scene("claude-ask-notes", "claude", WAITS, drawn(
        *ASK[:-1], "Enter to select · ↑/↓ to navigate · n to add notes · Esc to cancel"), "✳ Ask",
        "Which partition", 4),
    Scene("claude-skill", "claude", WAITS, drawn(
        "───", ' Use skill "run"?', " Claude may use instructions, code, or files from this Skill.", "",
        " Do you want to proceed?",
        " ❯ 1. Yes", "   2. Yes, and don't ask again for run in /home/me/project", "   3. No", "",
        " Esc to cancel · Tab to amend"),
        "✳ Run", "Do you want to proceed?", 3),
    Scene("claude-network", "claude", WAITS, drawn(
        "───", " Network request outside of sandbox", "", "   Host: pypi.org", "",
        " Do you want to allow this connection?",
        " ❯ 1. Yes", "   2. Yes, and don't ask again for pypi.org",
        "   3. No, and tell Claude what to do differently (esc)"),
        "✳ Pip", "allow this connection?", 3),
    Scene("claude-switch-mode", "claude", WAITS, drawn(
        "───", " Create file", " b.txt", "╌╌╌", "  1 bye", "╌╌╌", " Do you want to create b.txt?", " ❯ 1. Yes",
        "   2. Yes, and switch to accept edits (auto-approve file edits) for this session (shift+tab)", "   3. No",
        "",
        " Esc to cancel · Tab to amend"), "⠂ Write", "create b.txt?", 3),
    Scene("claude-resume", "claude", WAITS, drawn(
        " This session is 3h 2m old and 120k tokens.", "", " ❯ 1. Resume from summary (recommended)",
        "   2. Resume full session as-is", "   3. Don't ask me again", "", " Enter to confirm · Esc to cancel"), "",
        "3h 2m old", 3),
    Scene("claude-bypass", "claude", WAITS, drawn(
        "───", " WARNING: Claude Code running in Bypass Permissions mode", "",
        " You accept all responsibility for its actions.", "",
        " ❯ 1. No, exit", "   2. Yes, I accept", "", " Enter to confirm · Esc to exit"), "", "responsibility", 2),
    Scene("claude-login", "claude", WAITS, drawn(
        " Claude Code can be used with your Claude subscription or billed based on API usage through your"
        " Console account.", "",
        " Select login method:", "", " ❯ 1. Claude account with subscription · Pro, Max, Team, or Enterprise",
        "   2. Anthropic Console account · API usage billing",
        "   3. 3rd-party platform · Amazon Bedrock, Microsoft Foundry"),
        "", "Select login method:", 3),
    Scene("claude-rewind", "claude", WAITS, drawn(
        "───", " Restore the code to a previous checkpoint?", "", " ❯ 1. 14:02  Add a schedule",
        "   2. 13:41  Read train.py", "",
        " Enter to continue · Esc to cancel"), "✳ Train", "previous checkpoint?", 2),
    Scene("claude-agents-work", "claude", WORKING, claude(
        ["● Task(Read the docs)", "", "✻ Waiting for 2 background agents to finish"],
        "⏵⏵ auto mode on (shift+tab to cycle)"),
        "✳ Docs"),
    Scene("claude-effort", "claude", WORKING, claude(
        ["✽ Precipitating… (35s · ↑ 2.4k tokens · thinking with xhigh effort)"], "⏵⏵ auto mode on · ← for agents"),
        "⠂ Rain"),
    Scene("claude-star", "claude", WORKING, claude(["* Levitating… (1m 34s · ↓ 3.2k tokens)"]), "login1"),
    Scene("claude-cooked", "claude", DONE, claude(
        ["● All pass.", "", "✻ Cooked for 1m 25s"], "⏸ plan mode on (shift+tab to cycle) · ← for agents"), "✳ Docs"),
    Scene("claude-manual", "claude", DONE, claude(["● All pass."],
        "⏸ manual mode on · ? for shortcuts · ← for agents"), "login1"),
    Scene("claude-interrupted", "claude", DONE, claude(
        ["● Bash(sbatch train.sh)", "  ⎿  Interrupted · What should Claude do instead?"]), "✳ Train"),
    # Codex CLI
    Scene("codex-cwd", "codex", WAITS, CODEX_CWD, "", "working directory", 2),
    Scene("codex-text", "codex", WAITS, CODEX_TEXT, "project", "Which learning rate", 0),
    Scene("codex-grant", "codex", WAITS, drawn(
        "  Would you like to grant these permissions?", "", "  Reason: need workspace access", "",
        "  Permission rule: network; read `/tmp/x`",
        "", "› 1. Yes, grant these permissions for this turn (y)",
        "  2. Yes, grant and use auto review for this turn (r)",
        "  3. Yes, grant these permissions for this session (a)", "  4. No, continue without permissions (d)", "",
        "  Press enter to confirm or esc to cancel"), "project", "grant these permissions?", 4),
    Scene("codex-network", "codex", WAITS, drawn(
        '  Do you want to approve network access to "pypi.org"?', "", "› 1. Yes, just this once (y)",
        "  2. Yes, and allow this host for this conversation (a)",
        "  3. No, and tell Codex what to do differently (esc)", "",
        "  Press enter to confirm or esc to cancel"), "project", "network access", 3),
    Scene("codex-full-access", "codex", WAITS, drawn(
        "  Enable full access?", "  When Codex runs with full access, it can edit any file on your computer.", "",
        "› 1. Yes, continue anyway      Apply full access for this session",
        "  2. Yes, and don't ask again  Remember this choice",
        "  3. Deny                      Go back without enabling full access", "",
        "  Press enter to confirm or esc to go back"),
        "", "Enable full access?", 3),
    Scene("codex-implement", "codex", WAITS, drawn(
        "  Implement this plan?", "", "› 1. Yes, implement this plan  Switch to Default and start coding.",
        "  2. No, stay in Plan mode      Continue planning with the model.", "",
        "  Press enter to confirm or esc to go back"),
        "project", "Implement this plan?", 2),
    Scene("codex-tool", "codex", WAITS, drawn(
        "  Field 1/1", "  Allow Calendar to create an event?", "", "  › 1. Run the tool and continue.",
        "    2. Run the tool and remember this choice for this session.",
        "    3. Decline this tool call and continue.", "",
        "  enter to submit | esc to cancel"), "project", "create an event?", 3),
    Scene("codex-update", "codex", WAITS, drawn(
        "  ✨ Update available! 0.101.0 -> 0.102.0", "",
        "  Release notes: https://github.com/openai/codex/releases/latest", "",
        "› 1. Update now (runs `npm install -g @openai/codex`)", "  2. Skip", "  3. Skip until next version", "",
        "  Press enter to continue"), "", "", 3),
    Scene("codex-model", "codex", WAITS, drawn(
        "  Introducing a newer model", "", "  Choose how you'd like Codex to proceed.", "", "› 1. Try new model",
        "  2. Use existing model", "",
        "  Use ↑/↓ to move, press enter to confirm"), "", "like Codex to proceed", 2),
    Scene("codex-works-more", "codex", WORKING, codex(
        ["◦ Working (1m 02s • esc to interrupt) · 1 background terminal running · /ps to view"],
        "gpt-6 medium · ~/repo"), "project"),
    Scene("codex-queue", "codex", WORKING, codex(
        ["• Working (9s • esc to interrupt)"], "tab to queue message  98% context left", "and then stop"), "project"),
    # Gemini CLI
    Scene("gemini-action", "gemini", WAITS, in_box(GEMINI_NEW, GEMINI_FOOT), "✋  Action Required (project)",
        "Allow execution", 4),
    Scene("gemini-action-mcp", "gemini", WAITS, in_box([
        "Action Required", "", "?  fetch (records MCP Server)", "", "MCP Server: records", "Tool: fetch",
        'Allow execution of MCP tool "fetch" from server "records"?', "", "● 1. Allow once",
        "  2. Allow tool for this session",
        "  3. Allow all server tools for this session", "  4. No, suggest changes (esc)", ""]), "", "MCP tool", 4),
    Scene("gemini-loop", "gemini", WAITS, in_box([
        "?  A potential loop was detected", "",
        "This can happen due to repetitive tool calls. Do you want to keep loop detection enabled"
        " or disable it for this session?", "", "● 1. Keep loop detection enabled (esc)",
        "  2. Disable loop detection for this session"]),
        "", "Do you want to keep loop", 2),
    Scene("gemini-scroll", "gemini", WAITS, drawn(
        "Choose an option", "", "▲", "●  1.  gpu", "       One A100", "   2.  long", "       No GPU",
        "   3.  debug", "       An hour", "▼", "",
        "Enter to select · ↑/↓ to navigate · Esc to cancel"), "", "Choose an option", 3),
    Scene("gemini-plan", "gemini", WAITS, drawn(
        "Overview", "", "Add a schedule to the training.", "", "Files to Modify", "", " - train.py - the schedule",
        "",
        "● 1.  Yes, automatically accept edits", "      Approves plan and allows tools to run automatically",
        "  2.  Yes, manually accept edits",
        "      Approves plan but requires confirmation for each tool", "  3.  Type your feedback...", "",
        "Enter to select · ↑/↓ to navigate · Ctrl+X to edit plan · Esc to cancel"), "", "the schedule", 3),
    Scene("gemini-text", "gemini", WAITS, GEMINI_TEXT, "", "Which learning rate", 0),
    Scene("gemini-review", "gemini", WAITS, drawn(
        "← ✓ Rate │ ✓ Notes │ ≡ Review →", "", "Review your answers:", "", "Rate → 0.1", "Notes → none", "",
        "Enter to submit · Tab/Shift+Tab to edit answers · Esc to cancel"), "", "", 0),
    Scene("gemini-extension", "gemini", WAITS, in_box([
        'Installing extension "records".', "", "Do you want to continue?", "", "● 1. Yes", "  2. No"]), "",
        "continue?", 2),
    Scene("gemini-login", "gemini", WAITS, in_box([
        "? Get started", "", "How would you like to authenticate for this project?", "", "● 1. Login with Google",
        "  2. Use Gemini API Key",
        "  3. Vertex AI", "", "(Use Enter to select)"]), "", "authenticate", 3),
    # aider
    Scene("aider-lint", "aider", WAITS, aider(["train.py:3: E999"],
        "Attempt to fix lint errors? (Y)es/(N)o [Yes]: "), "", "lint", 2),
    Scene("aider-edit", "aider", WAITS, aider(
        ["train.py"], "Allow edits to file that has not been added to the chat? (Y)es/(N)o [Yes]: "), "",
        "(Y)es/(N)o", 2),
    Scene("aider-sure", "aider", WAITS, aider(
        [], "Run shell commands? (Y)es/(N)o/(D)on't ask again [No]: "), "", "Run shell commands?", 2),
    # any program
    Scene("plain-menu", "a menu", WAITS, BARE, "", "Do you want to run", 2),
    Scene("plain-menu-no", "a menu", WAITS, drawn("Delete all 12 checkpoints?", "", "  Yes", "> No, keep them"), "",
        "Delete all", 2),
    Scene("dnf", "a prompt", WAITS, aider(["Total download size: 3 M"], "Is this ok [y/d/N]: "), "", "Is this ok", 2),
    Scene("git-hunk", "a prompt", WAITS, aider(["+lr = 0.1"], "(1/2) Stage this hunk [y,n,q,a,d,j,J,g,/,e,?]? "),
        "", "Stage this hunk", 2),
    Scene("inquirer-confirm", "a prompt", WAITS, aider([], "? Submit the job? (y/N) "), "", "Submit the job?", 2),
    Scene("prompts-confirm", "a prompt", WAITS, aider([], "? Submit the job? › (y/N) "), "", "Submit the job?", 2),
    Scene("wrapped-yes", "a prompt", WAITS, aider([], "Overwrite the checkpoint of epoch 12? [y/N] "), "", "", 2),
    Scene("yes-or-no", "a prompt", WAITS, aider([], "Do you want to continue? (y or n) "), "", "continue?", 2),
    Scene("bracketed-yes", "a prompt", WAITS, aider([], "Overwrite run.log? [Y]es/[N]o: "), "", "Overwrite", 2),
    # drafts and quotations
    Scene("draft-claude", "claude", DONE, with_draft([
        "what does this mean:", "Do you want to proceed?", "❯ 1. Yes", "  2. No", "Esc to cancel · Tab to amend"]),
        "✳ Docs"),
    Scene("draft-claude-ask", "claude", DONE, with_draft([
        "what does this mean:", "Which partition?", "❯ 1. gpu", "  2. long",
        "Enter to select · ↑/↓ to navigate · Esc to cancel"]), "✳ Docs"),
    Scene("draft-claude-plain", "claude", DONE, with_draft(["so:", "Do you trust it?", "❯ Yes", "  No"]), "✳ Docs"),
    Scene("draft-gemini", "gemini", DONE, in_box([
        "> Type your message, as in:", "  Allow execution?", "  ● 1. Yes", "    2. No, suggest changes (esc)"],
        ["~/project no sandbox gemini-2.5-pro (98% context left)"]), "◇  Ready (project)"),
    Scene("quotes-trust", "claude", DONE, claude([
        "● It asks so:", "  Is this a project you created or one you trust?", "    Yes, I trust this folder",
        "  ❯ No, exit",
        "  Enter to confirm · Esc to cancel"]), "✳ Docs"),
    Scene("quotes-text", "codex", DONE, codex([
        "• Codex asks so:", "  Question 1/1 (1 unanswered)", "  › Type your answer (optional)",
        "  enter to submit answer | esc to interrupt"]),
        "project"),
    Scene("cat-trust", "", "", quoting(TRUST, ["$ "])),
    Scene("cat-mcp", "", "", quoting(MCP, ["me@login1:~$ "])),
    Scene("cat-ask", "", "", quoting(drawn(*ASK), ["❯ "])),
    Scene("cat-review", "", "", quoting(drawn(*REVIEW), ["$ "])),
    Scene("cat-plain-menu", "", "", quoting(BARE, ["$ "])),
    Scene("cat-text", "", "", quoting(drawn("  Question 1/1", "  Goal", "  › Type",
        "  enter to submit answer | esc to interrupt"), ["$ "])),
    Scene("tail-trust", "", "", quoting(TRUST, [""])),
    Scene("tail-tall", "", "", quoting(drawn(*TALL), [""])),
    Scene("tail-review", "", "", quoting(drawn(*REVIEW), [""])),
    Scene("tail-plain-menu", "", "", quoting(BARE, [""])),
    Scene("tail-text", "", "", quoting(GEMINI_TEXT, [""])),
    Scene("log-trust", "", "", below(TRUST, ["epoch 3"])),
    Scene("log-plain-menu", "", "", below(BARE, ["epoch 3"])),
    Scene("log-review", "", "", below(drawn(*REVIEW), ["Epoch 3 ━━━━━━━━━━━━ 40% 0:01:02"])),
    Scene("log-text", "", "", below(GEMINI_TEXT, ["epoch 3"])),
    Scene("less-trust", "", "", in_pager(TRUST, ":")),
    Scene("less-mcp", "", "", in_pager(MCP, "(END)")),
    Scene("less-tall", "", "", in_pager(drawn(*TALL), ":")),
    Scene("less-review", "", "", in_pager(drawn(*REVIEW), "(END)")),
    Scene("less-plain-menu", "", "", in_pager(BARE, "notes.md (END)")),
    Scene("less-text", "", "", in_pager(GEMINI_TEXT, ":")),
    Scene("vim-trust", "", "", quoting(TRUST, [""], alternate=True, at="\x1b[3A")),
    Scene("vim-plain-menu", "", "", quoting(BARE, [""], alternate=True, at="\x1b[2A")),
    Scene("vim-text", "", "", quoting(GEMINI_TEXT, [""], alternate=True, at="\x1b[3A")),
    Scene("vim-colored", "", "", colored(quoting(drawn(*ASK), [""], alternate=True, at="\x1b[4A"))),
    Scene("more-yes", "", "", printed(["Are you sure you want to continue connecting (yes/no)?"], ":")),
    Scene("git-diff", "", "", in_pager(printed(["-❯ Yes", "+❯ Yes, once", "   No", ""], ""), "(END)")),
    Scene("markdown", "", "", printed(["Is it ready?", "> Yes", "  No", ""], "")),
    Scene("yes-in-log", "", "", printed(["12:00 INFO asked: go on? [y/N]", "12:01 INFO y/n was y", ""], "")),
    Scene("nested-trust", "claude", WAITS, in_tmux(TRUST), "", "one you trust?", 2),
    Scene("nested-trust-less", "", "", in_tmux(in_pager(TRUST, ":"), "\x1b[23;2H" + SHOW)),
)  # fmt: skip
