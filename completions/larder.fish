# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_larder_global_optspecs
    string join \n db= n/namespace= json q/quiet color= busy-timeout= h/help V/version
end

function __fish_larder_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_larder_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_larder_using_subcommand
    set -l cmd (__fish_larder_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c larder -n "__fish_larder_needs_command" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_needs_command" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_needs_command" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_needs_command" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_needs_command" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_needs_command" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_needs_command" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_needs_command" -s V -l version -d 'Print version'
complete -c larder -n "__fish_larder_needs_command" -f -a "set" -d 'Store a value under a key'
complete -c larder -n "__fish_larder_needs_command" -f -a "get" -d 'Print the value of a key'
complete -c larder -n "__fish_larder_needs_command" -f -a "list" -d 'List the keys of a group, or the groups'
complete -c larder -n "__fish_larder_needs_command" -f -a "ls" -d 'List the keys of a group, or the groups'
complete -c larder -n "__fish_larder_needs_command" -f -a "count" -d 'Count the keys of a group, or of everything'
complete -c larder -n "__fish_larder_needs_command" -f -a "delete" -d 'Delete keys, a group, or many groups'
complete -c larder -n "__fish_larder_needs_command" -f -a "del" -d 'Delete keys, a group, or many groups'
complete -c larder -n "__fish_larder_needs_command" -f -a "rm" -d 'Delete keys, a group, or many groups'
complete -c larder -n "__fish_larder_needs_command" -f -a "ttl" -d 'Print how long an entry has left'
complete -c larder -n "__fish_larder_needs_command" -f -a "expire" -d 'Change how long an entry has left'
complete -c larder -n "__fish_larder_needs_command" -f -a "incr" -d 'Add to a number and print the sum'
complete -c larder -n "__fish_larder_needs_command" -f -a "purge" -d 'Remove due entries and trim the change log'
complete -c larder -n "__fish_larder_needs_command" -f -a "render" -d 'Fill a template from a group'
complete -c larder -n "__fish_larder_needs_command" -f -a "batch" -d 'Do many operations in one transaction or one process'
complete -c larder -n "__fish_larder_needs_command" -f -a "export" -d 'Print entries in a form that import takes'
complete -c larder -n "__fish_larder_needs_command" -f -a "import" -d 'Store entries from a file'
complete -c larder -n "__fish_larder_needs_command" -f -a "watch" -d 'Follow every change, to the terminal, a pipe or a command'
complete -c larder -n "__fish_larder_needs_command" -f -a "consumer" -d 'List, move and forget named watch positions'
complete -c larder -n "__fish_larder_needs_command" -f -a "history" -d 'Show what the change log knows of a key'
complete -c larder -n "__fish_larder_needs_command" -f -a "lock" -d 'Run a command while holding a lock'
complete -c larder -n "__fish_larder_needs_command" -f -a "memo" -d 'Run a command, or replay what it printed last time'
complete -c larder -n "__fish_larder_needs_command" -f -a "quota" -d 'Limit what a namespace may hold'
complete -c larder -n "__fish_larder_needs_command" -f -a "namespace" -d 'List or delete namespaces'
complete -c larder -n "__fish_larder_needs_command" -f -a "backup" -d 'Copy the store to a file, whoever is writing'
complete -c larder -n "__fish_larder_needs_command" -f -a "restore" -d 'Replace the store by a backup'
complete -c larder -n "__fish_larder_needs_command" -f -a "access" -d 'Say who may do what in a namespace'
complete -c larder -n "__fish_larder_needs_command" -f -a "info" -d 'Show what the store is and holds'
complete -c larder -n "__fish_larder_needs_command" -f -a "check" -d 'Look for damage and for bookkeeping that does not add up'
complete -c larder -n "__fish_larder_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c larder -n "__fish_larder_needs_command" -f -a "man" -d 'Show the manual, or write the manual pages'
complete -c larder -n "__fish_larder_using_subcommand set" -l value -d 'The value, for one that is a single - or starts with a dash' -r -f
complete -c larder -n "__fish_larder_using_subcommand set" -l file -d 'Read the value from PATH, byte for byte' -r -F
complete -c larder -n "__fish_larder_using_subcommand set" -l ttl -d 'Let the entry expire after DUR (250ms, 5m, 1h30m, 7d)' -r -f
complete -c larder -n "__fish_larder_using_subcommand set" -l expire-at -d 'Let the entry expire at TIME (RFC 3339)' -r -f
complete -c larder -n "__fish_larder_using_subcommand set" -l if-version -d 'Only if the entry is at version N' -r -f
complete -c larder -n "__fish_larder_using_subcommand set" -l if-value -d 'Only if the entry\'s value is V' -r -f
complete -c larder -n "__fish_larder_using_subcommand set" -l from-version -d 'Store the value the key had at version N, if the change log still has it' -r -f
complete -c larder -n "__fish_larder_using_subcommand set" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand set" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand set" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand set" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand set" -l keep-ttl -d 'Keep the time to live that the entry has'
complete -c larder -n "__fish_larder_using_subcommand set" -l if-absent -d 'Only if the key does not exist'
complete -c larder -n "__fish_larder_using_subcommand set" -l if-present -d 'Only if the key exists'
complete -c larder -n "__fish_larder_using_subcommand set" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand set" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand set" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand get" -l default -d 'Print V, with status 0, if the key does not exist' -r -f
complete -c larder -n "__fish_larder_using_subcommand get" -s o -l output -d 'Write the value to FILE instead of standard output' -r -F
complete -c larder -n "__fish_larder_using_subcommand get" -l newline -d 'Whether to add a final newline: if missing and on a terminal, always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand get" -l version -d 'Print the value as it was at version N, if the change log still has it' -r -f
complete -c larder -n "__fish_larder_using_subcommand get" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand get" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand get" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand get" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand get" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand get" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand get" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand list" -l glob -d 'Only names that match P: * any run, ? one character, [...] a set' -r -f
complete -c larder -n "__fish_larder_using_subcommand list" -l limit -d 'Stop after N names' -r -f
complete -c larder -n "__fish_larder_using_subcommand list" -l after -d 'Start after the name KEY' -r -f
complete -c larder -n "__fish_larder_using_subcommand list" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand list" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand list" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand list" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand list" -l values -d 'Show values: KEY TAB VALUE'
complete -c larder -n "__fish_larder_using_subcommand list" -s l -l long -d 'Show values, bytes, versions and times; of groups, keys and bytes'
complete -c larder -n "__fish_larder_using_subcommand list" -s 0 -d 'End each name with a NUL byte instead of a newline'
complete -c larder -n "__fish_larder_using_subcommand list" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand list" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand list" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand ls" -l glob -d 'Only names that match P: * any run, ? one character, [...] a set' -r -f
complete -c larder -n "__fish_larder_using_subcommand ls" -l limit -d 'Stop after N names' -r -f
complete -c larder -n "__fish_larder_using_subcommand ls" -l after -d 'Start after the name KEY' -r -f
complete -c larder -n "__fish_larder_using_subcommand ls" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand ls" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand ls" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand ls" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand ls" -l values -d 'Show values: KEY TAB VALUE'
complete -c larder -n "__fish_larder_using_subcommand ls" -s l -l long -d 'Show values, bytes, versions and times; of groups, keys and bytes'
complete -c larder -n "__fish_larder_using_subcommand ls" -s 0 -d 'End each name with a NUL byte instead of a newline'
complete -c larder -n "__fish_larder_using_subcommand ls" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand ls" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand ls" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand count" -l glob -d 'Only keys that match P (* ? [...]); without GROUP, only groups that do' -r -f
complete -c larder -n "__fish_larder_using_subcommand count" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand count" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand count" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand count" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand count" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand count" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand count" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand delete" -l glob -d 'Delete the keys that match P' -r -f
complete -c larder -n "__fish_larder_using_subcommand delete" -l groups -d 'Delete every group whose name matches GLOB' -r -f
complete -c larder -n "__fish_larder_using_subcommand delete" -l if-version -d 'Only if the entry is at version N (one KEY)' -r -f
complete -c larder -n "__fish_larder_using_subcommand delete" -l if-value -d 'Only if the entry\'s value is V (one KEY)' -r -f
complete -c larder -n "__fish_larder_using_subcommand delete" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand delete" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand delete" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand delete" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand delete" -l all -d 'Delete the whole group'
complete -c larder -n "__fish_larder_using_subcommand delete" -l yes -d 'Confirm --groups'
complete -c larder -n "__fish_larder_using_subcommand delete" -l dry-run -d 'Delete nothing; print what would go'
complete -c larder -n "__fish_larder_using_subcommand delete" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand delete" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand delete" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand del" -l glob -d 'Delete the keys that match P' -r -f
complete -c larder -n "__fish_larder_using_subcommand del" -l groups -d 'Delete every group whose name matches GLOB' -r -f
complete -c larder -n "__fish_larder_using_subcommand del" -l if-version -d 'Only if the entry is at version N (one KEY)' -r -f
complete -c larder -n "__fish_larder_using_subcommand del" -l if-value -d 'Only if the entry\'s value is V (one KEY)' -r -f
complete -c larder -n "__fish_larder_using_subcommand del" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand del" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand del" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand del" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand del" -l all -d 'Delete the whole group'
complete -c larder -n "__fish_larder_using_subcommand del" -l yes -d 'Confirm --groups'
complete -c larder -n "__fish_larder_using_subcommand del" -l dry-run -d 'Delete nothing; print what would go'
complete -c larder -n "__fish_larder_using_subcommand del" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand del" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand del" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand rm" -l glob -d 'Delete the keys that match P' -r -f
complete -c larder -n "__fish_larder_using_subcommand rm" -l groups -d 'Delete every group whose name matches GLOB' -r -f
complete -c larder -n "__fish_larder_using_subcommand rm" -l if-version -d 'Only if the entry is at version N (one KEY)' -r -f
complete -c larder -n "__fish_larder_using_subcommand rm" -l if-value -d 'Only if the entry\'s value is V (one KEY)' -r -f
complete -c larder -n "__fish_larder_using_subcommand rm" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand rm" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand rm" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand rm" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand rm" -l all -d 'Delete the whole group'
complete -c larder -n "__fish_larder_using_subcommand rm" -l yes -d 'Confirm --groups'
complete -c larder -n "__fish_larder_using_subcommand rm" -l dry-run -d 'Delete nothing; print what would go'
complete -c larder -n "__fish_larder_using_subcommand rm" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand rm" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand rm" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand ttl" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand ttl" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand ttl" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand ttl" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand ttl" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand ttl" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand ttl" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand expire" -l ttl -d 'Due after DUR (250ms, 5m, 1h30m, 7d)' -r -f
complete -c larder -n "__fish_larder_using_subcommand expire" -l at -d 'Due at TIME (RFC 3339)' -r -f
complete -c larder -n "__fish_larder_using_subcommand expire" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand expire" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand expire" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand expire" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand expire" -l never -d 'Never due'
complete -c larder -n "__fish_larder_using_subcommand expire" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand expire" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand expire" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand incr" -l by -d 'Add N, which may be negative' -r -f
complete -c larder -n "__fish_larder_using_subcommand incr" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand incr" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand incr" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand incr" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand incr" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand incr" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand incr" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand purge" -l keep-changes -d 'Trim the change log to changes younger than DUR, or to the newest N' -r -f
complete -c larder -n "__fish_larder_using_subcommand purge" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand purge" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand purge" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand purge" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand purge" -l dry-run -d 'Remove nothing; print how many due entries there are'
complete -c larder -n "__fish_larder_using_subcommand purge" -l vacuum -d 'Then give free space back to the file system; locks the store meanwhile'
complete -c larder -n "__fish_larder_using_subcommand purge" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand purge" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand purge" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand render" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c larder -n "__fish_larder_using_subcommand render" -l check -d 'Replace FILE only if CMD succeeds on the new text, which is in the file $LARDER_CANDIDATE' -r -f -a "(__fish_complete_command)"
complete -c larder -n "__fish_larder_using_subcommand render" -l exec -d 'Run CMD after FILE was replaced' -r -f -a "(__fish_complete_command)"
complete -c larder -n "__fish_larder_using_subcommand render" -l exec-timeout -d 'How long the commands of --check and --exec may take' -r -f
complete -c larder -n "__fish_larder_using_subcommand render" -l mode -d 'Give FILE these permissions, in octal' -r -f
complete -c larder -n "__fish_larder_using_subcommand render" -l debounce -d 'Render only once the group has not changed for this long' -r -f
complete -c larder -n "__fish_larder_using_subcommand render" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand render" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand render" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand render" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand render" -l lenient -d 'Let names that the group lacks be empty'
complete -c larder -n "__fish_larder_using_subcommand render" -l in-place -d 'Write into FILE instead of replacing it, for a file that is mounted by itself; readers may see a half-written text'
complete -c larder -n "__fish_larder_using_subcommand render" -l watch -d 'Stay, and render again whenever the group changes'
complete -c larder -n "__fish_larder_using_subcommand render" -l diff -d 'Print what would change in FILE, as diff -u does, and change and run nothing'
complete -c larder -n "__fish_larder_using_subcommand render" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand render" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand render" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand batch" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand batch" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand batch" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand batch" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand batch" -l stream -d 'Answer each line as soon as it is on disk'
complete -c larder -n "__fish_larder_using_subcommand batch" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand batch" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand batch" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand export" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c larder -n "__fish_larder_using_subcommand export" -l format -d 'The format' -r -f -a "jsonl\t''
json\t''
csv\t''
env\t''"
complete -c larder -n "__fish_larder_using_subcommand export" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand export" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand export" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand export" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand export" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand export" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand export" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand import" -l format -d 'The format, if the file\'s name does not say it' -r -f -a "jsonl\t''
json\t''
csv\t''
env\t''"
complete -c larder -n "__fish_larder_using_subcommand import" -l group -d 'Store everything in group G, whatever namespace and group the lines name' -r -f
complete -c larder -n "__fish_larder_using_subcommand import" -l on-conflict -d 'What to do with a key that exists: replace it, skip the line, or fail' -r -f -a "replace\t''
skip\t''
fail\t''"
complete -c larder -n "__fish_larder_using_subcommand import" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand import" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand import" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand import" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand import" -l dry-run -d 'Check everything, store nothing; print how many entries would be stored'
complete -c larder -n "__fish_larder_using_subcommand import" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand import" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand import" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand watch" -l groups -d 'Only groups that match GLOB' -r -f
complete -c larder -n "__fish_larder_using_subcommand watch" -l consumer -d 'Keep the position in the store under NAME, and go on from there next time' -r -f
complete -c larder -n "__fish_larder_using_subcommand watch" -l count -d 'End with status 0 after N changes' -r -f
complete -c larder -n "__fish_larder_using_subcommand watch" -l timeout -d 'End with status 6 after DUR in all' -r -f
complete -c larder -n "__fish_larder_using_subcommand watch" -l interval -d 'Look for changes of writers other than larder this often' -r -f
complete -c larder -n "__fish_larder_using_subcommand watch" -l retry -d 'Give up on a change after N more attempts of a failing command, and end with its status; without it, try for ever' -r -f
complete -c larder -n "__fish_larder_using_subcommand watch" -l listen -d 'Broadcast the changes to WebSocket clients at ADDR too (8080, :8080, 127.0.0.1:8080, [::1]:0); without an IP address it is the loopback interface, and port 0 takes a free one, which is told on standard error. Nothing is encrypted: beyond this machine, put a proxy before it' -r -f
complete -c larder -n "__fish_larder_using_subcommand watch" -l token-file -d 'The token that clients show is in FILE, which is made if it does not exist and must be readable by its owner only; the default is $XDG_DATA_HOME/larder/watch.token (~/.local/share)' -r -F
complete -c larder -n "__fish_larder_using_subcommand watch" -l allow-origin -d 'Let pages from O connect too (https://example.org); may be repeated' -r -f
complete -c larder -n "__fish_larder_using_subcommand watch" -l after -d 'Start after the change SEQ instead of now' -r -f
complete -c larder -n "__fish_larder_using_subcommand watch" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand watch" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand watch" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand watch" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand watch" -l snapshot -d 'Print the current entries first, each as the "set" that wrote it, then every later change'
complete -c larder -n "__fish_larder_using_subcommand watch" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand watch" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand watch" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand consumer; and not __fish_seen_subcommand_from list reset delete" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand consumer; and not __fish_seen_subcommand_from list reset delete" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand consumer; and not __fish_seen_subcommand_from list reset delete" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand consumer; and not __fish_seen_subcommand_from list reset delete" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand consumer; and not __fish_seen_subcommand_from list reset delete" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand consumer; and not __fish_seen_subcommand_from list reset delete" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand consumer; and not __fish_seen_subcommand_from list reset delete" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand consumer; and not __fish_seen_subcommand_from list reset delete" -f -a "list" -d 'Show every consumer, its position and how many changes it has yet to handle'
complete -c larder -n "__fish_larder_using_subcommand consumer; and not __fish_seen_subcommand_from list reset delete" -f -a "reset" -d 'Move a consumer\'s position'
complete -c larder -n "__fish_larder_using_subcommand consumer; and not __fish_seen_subcommand_from list reset delete" -f -a "delete" -d 'Forget a consumer, so that it no longer holds back the change log'
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from list" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from list" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from list" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from list" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from reset" -l to -d 'The last change to count as handled; without it, the newest there is' -r -f
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from reset" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from reset" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from reset" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from reset" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from reset" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from reset" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from delete" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from delete" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from delete" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from delete" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from delete" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand consumer; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand history" -l limit -d 'Show at most N changes' -r -f
complete -c larder -n "__fish_larder_using_subcommand history" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand history" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand history" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand history" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand history" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand history" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand history" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand lock" -l ttl -d 'Length of the lease, at least 100ms' -r -f
complete -c larder -n "__fish_larder_using_subcommand lock" -l wait -d 'Give up with status 6 after DUR; without it, wait for ever' -r -f
complete -c larder -n "__fish_larder_using_subcommand lock" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand lock" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand lock" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand lock" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand lock" -l try -d 'Give up with status 6 at once if the lock is taken'
complete -c larder -n "__fish_larder_using_subcommand lock" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand lock" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand lock" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand memo" -l ttl -d 'How long a result is replayed' -r -f
complete -c larder -n "__fish_larder_using_subcommand memo" -l stale -d 'How long after that an old result is replayed while one caller renews it' -r -f
complete -c larder -n "__fish_larder_using_subcommand memo" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand memo" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand memo" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand memo" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand memo" -l cache-failures -d 'Keep failures too'
complete -c larder -n "__fish_larder_using_subcommand memo" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand memo" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand memo" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand quota; and not __fish_seen_subcommand_from set show clear" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand quota; and not __fish_seen_subcommand_from set show clear" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand quota; and not __fish_seen_subcommand_from set show clear" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand quota; and not __fish_seen_subcommand_from set show clear" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand quota; and not __fish_seen_subcommand_from set show clear" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand quota; and not __fish_seen_subcommand_from set show clear" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand quota; and not __fish_seen_subcommand_from set show clear" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand quota; and not __fish_seen_subcommand_from set show clear" -f -a "set" -d 'Set limits of a namespace; those not named stay'
complete -c larder -n "__fish_larder_using_subcommand quota; and not __fish_seen_subcommand_from set show clear" -f -a "show" -d 'Show use and limits of one namespace, or of every one that has limits'
complete -c larder -n "__fish_larder_using_subcommand quota; and not __fish_seen_subcommand_from set show clear" -f -a "clear" -d 'Remove all limits of a namespace'
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from set" -l max-keys -d 'Most live keys; 0 is no limit' -r -f
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from set" -l max-bytes -d 'Most bytes of live keys and values (4096, 10k, 10MiB, 1G); 0 is no limit' -r -f
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from set" -l max-groups -d 'Most groups with a live key; 0 is no limit' -r -f
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from set" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from set" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from set" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from set" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from set" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from show" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from show" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from show" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from show" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from show" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from clear" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from clear" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from clear" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from clear" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from clear" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from clear" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand quota; and __fish_seen_subcommand_from clear" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand namespace; and not __fish_seen_subcommand_from list ls delete" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand namespace; and not __fish_seen_subcommand_from list ls delete" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand namespace; and not __fish_seen_subcommand_from list ls delete" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand namespace; and not __fish_seen_subcommand_from list ls delete" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand namespace; and not __fish_seen_subcommand_from list ls delete" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand namespace; and not __fish_seen_subcommand_from list ls delete" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand namespace; and not __fish_seen_subcommand_from list ls delete" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand namespace; and not __fish_seen_subcommand_from list ls delete" -f -a "list" -d 'List every namespace: keys, bytes, groups, limits, next expiry'
complete -c larder -n "__fish_larder_using_subcommand namespace; and not __fish_seen_subcommand_from list ls delete" -f -a "ls" -d 'List every namespace: keys, bytes, groups, limits, next expiry'
complete -c larder -n "__fish_larder_using_subcommand namespace; and not __fish_seen_subcommand_from list ls delete" -f -a "delete" -d 'Delete a namespace: its groups, its quota and its grants'
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from list" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from list" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from list" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from list" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from ls" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from ls" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from ls" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from ls" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from delete" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from delete" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from delete" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from delete" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from delete" -l yes -d 'Confirm that everything in it is to go'
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from delete" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand namespace; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand backup" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand backup" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand backup" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand backup" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand backup" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand backup" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand backup" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand restore" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand restore" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand restore" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand restore" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand restore" -l yes -d 'Confirm that the store\'s present contents may go'
complete -c larder -n "__fish_larder_using_subcommand restore" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand restore" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand restore" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand access; and not __fish_seen_subcommand_from grant revoke list ls" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand access; and not __fish_seen_subcommand_from grant revoke list ls" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand access; and not __fish_seen_subcommand_from grant revoke list ls" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand access; and not __fish_seen_subcommand_from grant revoke list ls" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand access; and not __fish_seen_subcommand_from grant revoke list ls" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand access; and not __fish_seen_subcommand_from grant revoke list ls" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand access; and not __fish_seen_subcommand_from grant revoke list ls" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand access; and not __fish_seen_subcommand_from grant revoke list ls" -f -a "grant" -d 'Grant access; the first grant closes the namespace to everybody else'
complete -c larder -n "__fish_larder_using_subcommand access; and not __fish_seen_subcommand_from grant revoke list ls" -f -a "revoke" -d 'Take all access away from a principal'
complete -c larder -n "__fish_larder_using_subcommand access; and not __fish_seen_subcommand_from grant revoke list ls" -f -a "list" -d 'List the grants of one namespace, or of all'
complete -c larder -n "__fish_larder_using_subcommand access; and not __fish_seen_subcommand_from grant revoke list ls" -f -a "ls" -d 'List the grants of one namespace, or of all'
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from grant" -l group -d 'Only in the groups that match GLOB' -r -f
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from grant" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from grant" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from grant" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from grant" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from grant" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from grant" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from grant" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from revoke" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from revoke" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from revoke" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from revoke" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from revoke" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from revoke" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from list" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from list" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from list" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from list" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from ls" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from ls" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from ls" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from ls" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand access; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand info" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand info" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand info" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand info" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand info" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand info" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand info" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand check" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand check" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand check" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand check" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand check" -l repair -d 'Rebuild what can be derived, and say what was done'
complete -c larder -n "__fish_larder_using_subcommand check" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand check" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand check" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand completions" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand completions" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand completions" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand completions" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand completions" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand completions" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand completions" -s h -l help -d 'Print help'
complete -c larder -n "__fish_larder_using_subcommand man" -l db -d 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]' -r -F
complete -c larder -n "__fish_larder_using_subcommand man" -s n -l namespace -d 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]' -r -f
complete -c larder -n "__fish_larder_using_subcommand man" -l color -d 'Colour the output' -r -f -a "auto\t''
always\t''
never\t''"
complete -c larder -n "__fish_larder_using_subcommand man" -l busy-timeout -d 'Wait this long for a store that another process has locked [default: 5s]' -r -f
complete -c larder -n "__fish_larder_using_subcommand man" -l json -d 'Print JSON, one record a line'
complete -c larder -n "__fish_larder_using_subcommand man" -s q -l quiet -d 'Print no notes and no progress, only results and errors'
complete -c larder -n "__fish_larder_using_subcommand man" -s h -l help -d 'Print help'
