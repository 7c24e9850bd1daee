#compdef larder
# Completion of larder in zsh, which quotes names for the place they go to.
_larder() {
    local at=${words[(i)--]} line name
    local -a names descriptions
    # Behind '--' stands a command of the caller's own.
    if (( at < CURRENT && ${words[(I)(lock|memo|watch)]} )); then
        shift at words
        (( CURRENT -= at ))
        _normal
        return
    fi
    for line in "${(@f)$(LARDER_COMPLETE=zsh _CLAP_COMPLETE_INDEX=$((CURRENT - 1)) \
        larder -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
        [[ -z $line ]] || names+=("$line")
    done
    (( ! $#names )) || _describe -V 'values' names
}
if [[ $funcstack[1] == _larder ]]; then
    # Autoloaded from fpath: the file is the function of its first call.
    _larder "$@"
else
    compdef _larder larder
fi
