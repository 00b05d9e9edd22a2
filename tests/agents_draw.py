"""The corpus: what agents draw, and what only quotes them. A scene is the bytes for a terminal of some width.

`python tests/agents_draw.py NAME` draws a scene on this terminal and stays, until a line comes on standard input.
"""

import os
import sys

from agents_later import LATER
from agents_paint import (
    ALTERNATE,
    DONE,
    HIDE,
    SHOW,
    TALK,
    WAITS,
    WORKING,
    Scene,
    aider,
    below,
    claude,
    claude_before_2,
    claude_dialog,
    codex,
    codex_dialog,
    gemini,
    gemini_dialog,
    in_pager,
    in_tmux,
    lines,
    menu,
    printed,
    quoting,
)

BASH = ("Bash command", "", "  sbatch --gres=gpu:1 train.sh", "  Submit the training job")
YES_NO = ("Yes", "Yes, and don't ask again for sbatch commands in /home/me/project", "No")
PERMISSION = claude_dialog("Do you want to proceed?", YES_NO, "Esc to cancel · Tab to amend · ctrl+e to explain", BASH)
CODEX_YES_NO = (
    "Yes, proceed (y)",
    "Yes, and don't ask again for commands that start with `sbatch` (p)",
    "No, and tell Codex what to do differently (esc)",
)
CODEX_EXEC = codex_dialog(
    "Would you like to run the following command?",
    ["Reason: the job needs the scheduler", "$ sbatch train.sh"],
    CODEX_YES_NO,
    "Press enter to confirm or esc to cancel",
)
GEMINI_YES_NO = ("Allow once", "Allow for this session", "No, suggest changes (esc)")
GEMINI_EXEC = gemini_dialog("Allow execution of: 'sbatch'?", GEMINI_YES_NO, framed=False)
AIDER_RUN = aider(["python train.py"], "Run shell command? (Y)es/(N)o/(D)on't ask again [Yes]: ")
DONE_BOX = claude(["● The tests pass.", "", "✻ Worked for 1m 6s"])
EDIT = ("Edit file", "train.py", "12 - lr = 1", "12 + lr = 0.1")
SPIN = "✻ Thinking… (12s · ↑ 1.2k tokens · esc to interrupt)"
FOOT = "Press enter to confirm or esc to cancel"

SCENES: tuple[Scene, ...] = (
    *LATER,
    # Claude Code
    Scene("claude-bash", "claude", WAITS, PERMISSION, "✳ Train", "Do you want to proceed?", 3),
    Scene("claude-edit", "claude", WAITS, claude_dialog(
        "Do you want to make this edit to train.py?",
        ("Yes", "Yes, allow all edits during this session (shift+tab)", "No"),
        "Esc to cancel · Tab to amend", EDIT, 1), "✳ Train", "this edit to train.py", 3),
    Scene("claude-create", "claude", WAITS, claude_dialog(
        "Do you want to create schedule.py?", ("Yes", "No"), "Esc to cancel · Tab to amend", ("Create file",)),
        "✳ Claude Code", "create schedule.py", 2),
    Scene("claude-fetch", "claude", WAITS, claude_dialog(
        "Do you want to allow Claude to fetch this content?",
        ("Yes", "Yes, and don't ask again for slurm.schedmd.com", "No, and tell Claude what to do differently (esc)"),
        "", ("Fetch", "https://slurm.schedmd.com/sbatch.html")), "✳ Docs", "fetch this content", 3),
    Scene("claude-mcp", "claude", WAITS, claude_dialog(
        "Do you want to proceed?", YES_NO, "Esc to cancel · Tab to amend",
        ("Tool use", "records – Fetch(scope: demo) (MCP)", "Keep fetching while remaining >", "0. Use the offset.")),
        "⠂ Records", "proceed", 3),
    Scene("claude-plan", "claude", WAITS, claude_dialog(
        "Claude has written up a plan and is ready to execute. Would you like to proceed?",
        ("Yes, and auto-accept edits", "Yes, and manually approve edits", "Tell Claude what to change"),
        "ctrl-g to edit in VS Code", ("Here is Claude's plan:", "1. add the schedule", "2. run")),
        "✳ Plan", "Would you like to proceed?", 3),
    Scene("claude-question", "claude", WAITS, claude_dialog(
        "Which partition shall the job use?", ("gpu: one A100, 24 h at most", "long: no GPU, 7 days",
                                               "Type something.", "Chat about this"),
        "Enter to select · ↑/↓ to navigate · Esc to cancel", ("☐ Partition",)), "✳ Ask", "Which partition", 4),
    Scene("claude-many", "claude", WAITS, claude_dialog(
        "Which tests shall run?", ("[ ] unit", "[✔] slow", "[ ] all", "Type something"),
        "Enter to select · Tab/Arrow keys to navigate · Esc to cancel", ("← ☐ Tests ✔ Submit →",), 2),
        "✳ Ask", "Which tests", 4),
    Scene("claude-trust", "claude", WAITS, claude_dialog(
        "Quick safety check: Is this a project you created or one you trust?",
        ("Yes, I trust this folder", "No, exit"), "Enter to confirm · Esc to cancel",
        ("Accessing workspace:", "/home/me/project")), "", "you trust", 2),
    Scene("claude-trust-1.0", "claude", WAITS, claude_before_2([], [
        "Do you trust the files in this folder?", "", "/home/me/project", "", "❯ 1. Yes, proceed", "  2. No, exit"],
        "Enter to confirm · Esc to exit"), "", "trust the files", 2),
    Scene("claude-bash-1.0", "claude", WAITS, claude_before_2(TALK, [
        "Bash command", "", "  rm -r build", "", "Do you want to proceed?", "❯ 1. Yes",
        "  2. Yes, and don't ask again for rm commands", "  3. No, and tell Claude what to do differently (esc)"]),
        "✳ Build", "proceed", 3),
    Scene("claude-limit-menu", "claude", WAITS, claude_dialog(
        "What do you want to do?", ("Stop and wait for limit to reset", "Upgrade your plan"),
        "Enter to confirm · Esc to cancel", ("You've hit your limit · resets 7pm",)), "✳ Train", "What do you want", 2),
    Scene("claude-model", "claude", WAITS, claude_dialog(
        "Select model", ("Default (recommended)", "Opus", "Haiku"), "Enter to confirm · Esc to exit"),
        "✳ Claude Code", "Select model", 3),
    Scene("claude-thinks", "claude", WORKING, claude(["❯ add a schedule", "", SPIN]), "⠐ Schedule"),
    Scene("claude-thinks-no-title", "claude", WORKING, claude(["❯ add a schedule", "", SPIN]), "login1"),
    Scene("claude-todo", "claude", WORKING, claude([
        "✽ Adding the schedule… (3m 2s · ↓ 5.1k tokens)", "  ⎿  ☒ read train.py", "     ☐ add a schedule",
        "     ☐ run the tests"]), "⠂ Schedule"),
    Scene("claude-title", "claude", WORKING, claude(["● Bash(pytest)", "  ⎿  Running…"]), "⠐ Run the tests"),
    Scene("claude-foot", "claude", WORKING, claude(
        ["● Bash(pytest)"], "⏵⏵ accept edits on (shift+tab to cycle) · esc to interrupt"), "✳ Tests"),
    Scene("claude-draft", "claude", WORKING, claude(["", SPIN], typed="and then stop", ends=HIDE), "⠐ Stop"),
    Scene("claude-1.0-works", "claude", WORKING, claude_before_2(
        ["✻ Herding… (5s · ↑ 200 tokens · esc to interrupt)"], [">"], "? for shortcuts"), "⠐ Herd"),
    Scene("claude-done", "claude", DONE, DONE_BOX, "✳ Schedule"),
    Scene("claude-done-cursor", "claude", DONE, claude(
        ["● The tests pass."], typed="", ends=f"\x1b[2A\r\x1b[2C{SHOW}"), "✳ Schedule"),
    Scene("claude-status-line", "claude", DONE, claude(
        ["● Ready."], "me@login1 project (main) | Opus | 34% | $1.20 ⏵⏵ bypass permissions on"), "✳ Claude Code"),
    Scene("claude-error", "claude", DONE, claude(
        ["● API Error: 529 Overloaded. Try again later."]), "✳ Schedule"),
    Scene("claude-limit", "claude", DONE, claude(
        ["● You've hit your session limit · resets 7:30pm (UTC)"], "⏵⏵ accept edits on (shift+tab to cycle)"),
        "✳ Schedule"),
    Scene("claude-quotes", "claude", DONE, claude(
        ["● A dialog looks so:", "  Do you want to proceed?", "  ❯ 1. Yes", "    2. No", "  Esc to cancel"]), "✳ Docs"),
    Scene("claude-1.0-done", "claude", DONE, claude_before_2(["● Done."], ['> Try "fix lint errors"'],
                                                              "? for shortcuts"), "✳ Herd"),
    # Codex CLI
    Scene("codex-exec", "codex", WAITS, CODEX_EXEC, "project", "run the following command?", 3),
    Scene("codex-patch", "codex", WAITS, codex_dialog(
        "Would you like to make the following edits?", ["train.py (+1 -1)", "12 -lr = 1", "12 +lr = 0.1"],
        ("Yes, proceed (y)", "No, and tell Codex what to do differently (esc)"), FOOT),
        "⠋ project", "following edits?", 2),
    Scene("codex-mcp", "codex", WAITS, codex_dialog(
        "Would you like to grant these permissions?", ["network: on"], ("Yes, for this turn", "No"), FOOT),
        "", "permissions?", 2),
    Scene("codex-trust", "codex", WAITS, codex_dialog(
        "Do you trust the contents of this directory? Untrusted contents come with a higher risk.", [],
        ("Yes, continue", "No, quit"), "Press enter to continue"), "", "Do you trust", 2),
    Scene("codex-question", "codex", WAITS, codex_dialog(
        "Question 1/2 (1 unanswered)", ["Which partition?"], ("gpu  One A100.", "long  No GPU."),
        "enter to submit answer | esc to interrupt"), "", "Which partition", 2),
    Scene("codex-old-patch", "codex", WAITS, lambda columns, _: HIDE + lines([
        "▌ The model wants to apply", "▌", "▌ Apply changes?", "▌", "▌ > 1. Approve  (Y) Apply the changes",
        "▌   2. Cancel   (N) Do not apply", "", "Press Enter to confirm or Esc to go back"]), "", "Apply changes?", 2),
    Scene("codex-limit-menu", "codex", WAITS, codex_dialog(
        "Approaching rate limits", ["Switch to a smaller model for lower usage?"],
        ("Switch to gpt-5-mini", "Keep current model", "Keep current model (never show again)"),
        "Press enter to confirm or esc to go back"), "", "smaller model", 3),
    Scene("codex-works", "codex", WORKING, codex(["• Explored", "", "• Working (12s • esc to interrupt)"]), "⠋ p"),
    Scene("codex-works-long", "codex", WORKING, codex(
        ["Investigating rendering code (1m 02s • Esc to interrupt)"], "99% context left"), "project"),
    Scene("codex-title", "codex", WORKING, codex(["• Ran pytest"], "gpt-5-codex high · 87% left · ~/p"), "⠙ project"),
    Scene("codex-done", "codex", DONE, codex(["• The tests pass."]), "project"),
    Scene("codex-done-full", "codex", DONE, codex(["• Done."], "100% context left"), "project"),
    Scene("codex-error", "codex", DONE, codex(["■ stream disconnected before completion"]), "project"),
    Scene("codex-limit", "codex", DONE, codex(
        ["■ You've hit your usage limit. Try again in 3 days.", "Token usage: total=10"]), "project"),
    # Gemini CLI
    Scene("gemini-exec", "gemini", WAITS, GEMINI_EXEC, "✋  Action Required (project)", "Allow execution", 3),
    Scene("gemini-exec-framed", "gemini", WAITS, gemini_dialog(
        "Allow execution?", ("Yes, allow once", "Yes, allow always", "No, suggest changes (esc)"), framed=True,
        below=["⠏ Waiting for user confirmation...", "~/project no sandbox gemini-2.5-pro (98% context left)"]),
        "Gemini - project", "Allow execution", 3),
    Scene("gemini-edit", "gemini", WAITS, gemini_dialog(
        "Apply this change?", ("Allow once", "Allow for this session", "Modify with external editor",
                               "No, suggest changes (esc)"), framed=True), "", "Apply this change?", 4),
    Scene("gemini-url", "gemini", WAITS, gemini_dialog("Do you want to proceed?", GEMINI_YES_NO, framed=False),
          "", "proceed", 3),
    Scene("gemini-trust", "gemini", WAITS, gemini_dialog(
        "Do you trust this folder?", ("Trust folder (project)", "Trust parent folder (me)", "Don't trust"),
        framed=True), "", "trust this folder", 3),
    Scene("gemini-question", "gemini", WAITS, gemini_dialog(
        "Select your partition:", ("gpu", "long", "Enter a custom value"), framed=False,
        below=["Enter to select · ↑/↓ to navigate · Esc to cancel"]), "✋  Action Required (p)", "partition", 3),
    Scene("gemini-limit-menu", "gemini", WAITS, gemini_dialog(
        "Usage limit reached for gemini-2.5-pro.", ("Keep trying", "Switch to gemini-2.5-flash", "Stop"),
        framed=True), "", "Usage limit reached", 3),
    Scene("gemini-works", "gemini", WORKING, gemini(["⠏ Reading the code (esc to cancel, 12s)"]), "✦  Reading (p)"),
    Scene("gemini-title", "gemini", WORKING, gemini(["✦ Now the tests."]), "✦  Working… (project)"),
    Scene("gemini-done", "gemini", DONE, gemini(["✦ The tests pass."]), "◇  Ready (project)"),
    Scene("gemini-error", "gemini", DONE, gemini(["✕ [API Error: 503]"]), "◇  Ready (project)"),
    # aider
    Scene("aider-run", "aider", WAITS, AIDER_RUN, "", "Run shell command?", 2),
    Scene("aider-add", "aider", WAITS, aider(
        ["train.py"], "Add file? (Y)es/(N)o/(A)ll/(S)kip all [Yes]: "), "", "Add file?", 2),
    Scene("aider-typed", "aider", WAITS, aider([], "Create new file? (Y)es/(N)o [Yes]: n"), "", "Create", 0),
    Scene("aider-works", "aider", WORKING, aider(["> add a schedule"], "░█        Waiting for gpt-4o", cursor=HIDE)),
    Scene("aider-map", "aider", WORKING, aider([""], "   █░     Updating repo map: train.py", cursor=SHOW)),
    Scene("aider-done", "aider", DONE, aider(["Applied edit to train.py"], "> ", ruled=True)),
    Scene("aider-ask", "aider", DONE, aider(["Tokens: 3k sent"], "architect> ", ruled=True)),
    Scene("aider-error", "aider", DONE, aider(["litellm.RateLimitError: try later"], "> ", ruled=True)),
    # any program
    Scene("apt", "a prompt", WAITS, aider(["After this operation, 3 MB"], "Continue? [Y/n] "), "", "Continue", 2),
    Scene("conda", "a prompt", WAITS, aider(["numpy 2.0"], "Proceed ([y]/n)? "), "", "Proceed", 2),
    Scene("ssh", "a prompt", WAITS, aider(
        ["ED25519 key fingerprint is SHA256:abc."], "Continue (yes/no/[fingerprint])? "), "", "Continue", 2),
    Scene("pip", "a prompt", WAITS, aider(["Would remove:"], "Proceed (Y/n)? "), "login1", "Proceed", 2),
    Scene("overwrite", "a prompt", WAITS, aider([], "Overwrite it? (y/N): y"), "", "Overwrite", 0),
    # quoted, and nothing at all
    Scene("cat-claude", "", "", quoting(PERMISSION, ["$ "])),
    Scene("cat-no-prompt", "", "", quoting(PERMISSION, [""])),
    Scene("cat-codex", "", "", quoting(CODEX_EXEC, ["me@login1:~$ "])),
    Scene("cat-gemini", "", "", quoting(GEMINI_EXEC, ["❯ "])),
    Scene("cat-aider", "", "", quoting(AIDER_RUN, ["$ "])),
    Scene("cat-done", "", "", quoting(DONE_BOX, ["❯ "]), "✳ Schedule"),
    Scene("tail-claude", "", "", quoting(PERMISSION, [""])),
    Scene("tail-aider", "", "", quoting(AIDER_RUN, [""])),
    Scene("tail-working", "", "", quoting(claude(["", SPIN]), [""])),
    Scene("log-claude", "", "", quoting(PERMISSION, ["step 100 loss 0.31", "step 200 loss 0.30", ""])),
    Scene("log-codex", "", "", quoting(CODEX_EXEC, ["epoch 3", ""])),
    Scene("log-gemini", "", "", quoting(GEMINI_EXEC, ["epoch 3", ""])),
    Scene("log-aider", "", "", quoting(AIDER_RUN, ["y", "epoch 3", ""])),
    Scene("log-apt", "", "", quoting(aider([], "Continue? [Y/n] "), ["Unpacking numpy", ""])),
    Scene("less-claude", "", "", in_pager(PERMISSION, ":"), "✳ Train"),
    Scene("less-codex", "", "", in_pager(CODEX_EXEC, "(END)")),
    Scene("less-gemini", "", "", in_pager(GEMINI_EXEC, ":")),
    Scene("less-aider", "", "", in_pager(AIDER_RUN, "chat.md (END)")),
    Scene("less-done", "", "", in_pager(DONE_BOX, ":"), "⠐ Train"),
    Scene("less-prompt", "", "", in_pager(aider([], "Continue? [Y/n] "), ":")),
    Scene("vim-claude", "", "", in_pager(PERMISSION, '"screen.txt" 12L, 300B   1,1   All'), "⠐ Train"),
    Scene("vim-codex", "", "", in_pager(CODEX_EXEC, "-- INSERT --   12,3   Bot")),
    Scene("vim-no-ruler", "", "", quoting(PERMISSION, [""], alternate=True, at="\x1b[4A")),
    Scene("vim-no-ruler-codex", "", "", quoting(CODEX_EXEC, [""], alternate=True, at="\x1b[3A")),
    Scene("vim-no-ruler-gemini", "", "", quoting(GEMINI_EXEC, [""], alternate=True, at="\x1b[3A")),
    Scene("vim-aider", "", "", quoting(AIDER_RUN, [""], alternate=True, at="\x1b[1A")),
    Scene("nano", "", "", in_pager(PERMISSION, "^G Help   ^O Write Out   ^X Exit")),
    Scene("diff-pager", "", "", in_pager(printed(
        ["+ Do you want to proceed?", "+ ❯ 1. Yes", "+   2. No", "+ Esc to cancel · Tab to amend"], ""), ":")),
    Scene("diff", "", "", printed(
        ["+ Do you want to proceed?", "+ ❯ 1. Yes", "+   2. No", "+ Esc to cancel · Tab to amend"])),
    Scene("grep", "", "", printed(["a.sh:3: read -p 'Continue? [y/N] '", "b.py: (Y)es/(N)o [Yes]:"])),
    Scene("typed", "", "", printed([], "$ read -p 'Continue? [y/N]")),
    Scene("typed-plain", "", "", printed([], "me@login1:~$ echo Continue [y/N]")),
    Scene("readme", "", "", printed(["aider asks: Run shell command? (Y)es/(N)o [Yes]:", ""])),
    Scene("list", "", "", printed(["Do you want to proceed?", "❯ 1. Yes", "  2. No"])),
    Scene("starship", "", "", printed(["project on main via python"], "❯ "), "~/project"),
    Scene("starship-after-claude", "", "", printed(["project on main"], "❯ "), "⠐ Train"),
    Scene("pure", "", "", printed(["~/project main"], "› ")),
    Scene("python", "", "", printed(["Python 3.11.2 on linux"], ">>> ")),
    Scene("shell", "", "", printed(["Last login: Sun Nov 29", "JOBID PARTITION"], "[me@login1 ~]$ ")),
    Scene("training", "", "", printed(["epoch 1 loss 0.3", "Waiting for data (esc to interrupt)"], "")),
    Scene("spinner", "", "", printed(["⠋ installing"], "⠙ building (12s)")),
    Scene("sh", "", "", printed(["> add a schedule"], "> ")),
    # choices without numbers
    Scene("inquirer", "a menu", WAITS, menu(
        "? Allow the tool to run sbatch? (Use arrow keys)", ("Yes", "Yes, always", "No")), "", "run sbatch?", 3),
    Scene("inquirer-12", "a menu", WAITS, menu(
        "? Overwrite the checkpoint?", ("No, keep it", "Yes, overwrite"), "↑↓ navigate • ⏎ select", at=1),
        "", "Overwrite the checkpoint?", 2),
    Scene("gum", "a menu", WAITS, menu(
        "Choose a partition:", ("gpu", "long", "debug"), "↑↓ navigate • enter submit", mark=">"), "", "partition", 3),
    Scene("cat-inquirer", "", "", quoting(menu("? Go on? (Use arrow keys)", ("Yes", "No")), ["$ "])),
    Scene("log-inquirer", "", "", below(menu("? Go on? (Use arrow keys)", ("Yes", "No")), ["epoch 3"])),
    Scene("less-inquirer", "", "", in_pager(menu("? Go on? (Use arrow keys)", ("Yes", "No")), ":")),
    Scene("tail-gum", "", "", quoting(menu("Choose:", ("a", "b"), "↑↓ navigate • enter submit", ">"), [""])),
    Scene("fzf", "", "", lambda columns, rows: SHOW + ALTERNATE + lines([
        "  train.py", "> test.py", "  2/2", "> "])),
    # a tmux inside the tmux, other writing, talk about prompts
    Scene("nested-claude", "claude", WAITS, in_tmux(PERMISSION), "✳ Train", "proceed", 3),
    Scene("nested-codex", "codex", WAITS, in_tmux(CODEX_EXEC), "project", "following command", 3),
    Scene("nested-done", "claude", DONE, in_tmux(DONE_BOX), "✳ Train"),
    Scene("nested-less", "", "", in_tmux(in_pager(PERMISSION, ":"), "\x1b[23;2H" + SHOW)),
    Scene("nested-shell", "", "", in_tmux(quoting(PERMISSION, ["$ "]), SHOW)),
    Scene("nested-vim", "", "", in_tmux(quoting(PERMISSION, [""]), "\x1b[8;3H" + SHOW)),
    Scene("nested-tail", "", "", in_tmux(quoting(PERMISSION, ["epoch 3"]))),
    Scene("wide-claude", "claude", WAITS, claude_dialog(
        "Do you want to make this edit to 训练/模型.py?", ("Yes", "Yes, allow all edits in 训练/", "No"),
        "Esc to cancel · Tab to amend", ("Edit file", "训练/模型.py", "学习率 = 1", "学习率 = 0.1")),
        "✳ 训练", "this edit to", 3),
    Scene("wide-codex", "codex", WAITS, codex_dialog(
        "Would you like to run the following command?", ["理由 需要调度器", "$ echo 你好世界 >文件.txt"],
        ("Yes, proceed (y)", "No, and tell Codex what to do differently (esc)"), FOOT), "项目", "following command", 2),
    Scene("wide-framed", "claude", WAITS, claude_before_2(TALK, [
        "Bash command", "", "  echo こんにちは", "", "Do you want to proceed?", "❯ 1. Yes",
        "  2. No, and tell Claude what to do differently (esc)"]), "✳ 訳", "proceed", 2),
    Scene("talk-claude", "claude", DONE, claude([
        "❯ what does it ask before sbatch?", "", "● It shows a permission prompt:", "  Bash command", "    sbatch x",
        "  Do you want to proceed?", "  ❯ 1. Yes", "    2. No, and tell Claude what to do differently (esc)", "",
        "  Press Esc to cancel · Tab to amend."]), "✳ Prompts"),
    Scene("talk-codex", "codex", DONE, codex([
        "• Codex asks:", "  Would you like to run the following command?", "› 1. Yes, proceed (y)", "  2. No (esc)",
        "  Press enter to confirm or esc to cancel", "• So answer with y."]), "project"),
    Scene("talk-aider", "aider", DONE, aider(
        ["It asks: Run shell command? (Y)es/(N)o/(D)on't ask again [Yes]:", "Type y."], "> ", ruled=True)),
    Scene("talk-working", "claude", WORKING, claude([
        "● The dialog:", "  Do you want to proceed?", "  ❯ 1. Yes", "    2. No", "  Esc to cancel", SPIN]), "⠐ Docs"),
    Scene("talk-printed", "", "", printed([
        "user: it stopped, why?", "assistant: it waits for a permission: Do you want to proceed? ❯ 1. Yes 2. No",
        "user: and (Y)es/(N)o [Yes]: is aider's?"])),
    Scene("progress", "", "", below(PERMISSION, ["Epoch 3 ━━━━━━━━━━━━ 40% 0:01:02"])),
    Scene("readme-less", "", "", in_pager(printed(
        ["## Permissions", "", "```", "Do you want to proceed?", "❯ 1. Yes", "  2. No", "",
         "Esc to cancel · Tab to amend", "```"], ""), "README.md")),
    Scene("readme-more", "", "", quoting(PERMISSION, ["--More--(40%)"])),
    Scene("readme-prompt", "", "", in_pager(printed(["The script asks:", "", "    Continue? [y/N] "], ""), "(END)")),
    Scene("diff-unified", "", "", printed([
        "@@ -1,4 +1,4 @@", " Do you want to proceed?", "-❯ 1. Yes", "+❯ 1. Yes, once", "   2. No", " ",
        " Esc to cancel · Tab to amend"], "")),
    Scene("diff-of-prompt", "", "", printed(["-read -p 'Continue? [y/N] '", "+read -p 'Really? [y/N] '"], "")),
    Scene("log-quoted", "", "", printed([
        "12:00:01 INFO agent said: Do you want to proceed? ❯ 1. Yes 2. No Esc to cancel",
        "12:00:02 INFO answered (Y)es/(N)o [Yes]: y"], "")),
    Scene("watch", "", "", quoting(PERMISSION, [""], alternate=True, at="\x1b[24;1H")),
    Scene("typed-arrow", "", "", printed([], "➜  project echo Continue [y/N]")),
    Scene("installer", "", "", printed(["1) Proceed with installation (default)", "2) Cancel installation"], "> ")),
    Scene("empty", "", "", lambda columns, rows: ""),
    Scene("full", "", "", lambda columns, rows: lines(["x" * columns] * rows)),
)  # fmt: skip

BY_NAME = {scene.name: scene for scene in SCENES}
SIZES = ((40, 30), (62, 24), (80, 24), (120, 40), (200, 50), (250, 60))


def main() -> None:
    scene, size = BY_NAME[sys.argv[1]], os.get_terminal_size()
    drawn = scene.draw(size.columns, size.lines)
    title = f"\x1b]2;{scene.title}\a" if scene.title else ""
    sys.stdout.write(f"\x1b[H\x1b[2J{title}{drawn}")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    main()
