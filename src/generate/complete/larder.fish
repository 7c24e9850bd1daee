# Completion of larder in fish, which quotes names for the place they go to.
function __larder_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l raw (commandline --current-token --cut-at-cursor)
    set -l word
    # A quote may still be open.
    for close in '' \' \"
        set word (string unescape -- "$raw$close" 2>/dev/null); and break
    end
    # Behind '--' stands a command of the caller's own.
    if set -l at (contains --index -- -- $words); and string match --quiet --regex '^(lock|memo|watch)$' -- $words
        set -l rest $words[(math $at + 1)..]
        complete --do-complete (string join ' ' -- (string escape -- $rest) "$raw")
        return
    end
    LARDER_COMPLETE=fish larder -- $words "$word"
end
complete --keep-order --exclusive --command larder --arguments '(__larder_complete)'
