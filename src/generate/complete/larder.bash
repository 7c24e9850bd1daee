# Completion of larder in bash. The line goes to larder as it stands, and what
# comes back is quoted for the place it goes to: nothing of it is evaluated.
_larder() {
    local at reply
    COMPREPLY=()
    # Behind '--' stands a command of the caller's own.
    if [[ " ${COMP_WORDS[*]} " == *' '@(lock|memo|watch)' '* ]]; then
        for ((at = 2; at < COMP_CWORD; at++)); do
            [[ ${COMP_WORDS[at]} == -- ]] || continue
            if ((at + 1 == COMP_CWORD)); then
                mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}" | sort -u)
            elif declare -F _command_offset >/dev/null; then
                _command_offset $((at + 1))
            fi
            return
        done
    fi
    while IFS= read -r reply; do
        COMPREPLY+=("${reply#*:}")
        [[ $reply == word:* ]] || compopt -o nospace
    done < <(LARDER_COMPLETE=bash LARDER_COMPLETE_LINE=${COMP_LINE:0:COMP_POINT} \
        LARDER_COMPLETE_BREAKS=$COMP_WORDBREAKS larder -- larder 2>/dev/null)
}
complete -o bashdefault -o nosort -F _larder larder
