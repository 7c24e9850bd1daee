
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'larder' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'larder'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'larder' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Store a value under a key')
            [CompletionResult]::new('get', 'get', [CompletionResultType]::ParameterValue, 'Print the value of a key')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the keys of a group, or the groups')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List the keys of a group, or the groups')
            [CompletionResult]::new('count', 'count', [CompletionResultType]::ParameterValue, 'Count the keys of a group, or of everything')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Delete keys, a group, or many groups')
            [CompletionResult]::new('del', 'del', [CompletionResultType]::ParameterValue, 'Delete keys, a group, or many groups')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Delete keys, a group, or many groups')
            [CompletionResult]::new('ttl', 'ttl', [CompletionResultType]::ParameterValue, 'Print how long an entry has left')
            [CompletionResult]::new('expire', 'expire', [CompletionResultType]::ParameterValue, 'Change how long an entry has left')
            [CompletionResult]::new('incr', 'incr', [CompletionResultType]::ParameterValue, 'Add to a number and print the sum')
            [CompletionResult]::new('purge', 'purge', [CompletionResultType]::ParameterValue, 'Remove due entries and trim the change log')
            [CompletionResult]::new('render', 'render', [CompletionResultType]::ParameterValue, 'Fill a template from a group')
            [CompletionResult]::new('batch', 'batch', [CompletionResultType]::ParameterValue, 'Do many operations in one transaction or one process')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Print entries in a form that import takes')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Store entries from a file')
            [CompletionResult]::new('watch', 'watch', [CompletionResultType]::ParameterValue, 'Follow every change, to the terminal, a pipe or a command')
            [CompletionResult]::new('consumer', 'consumer', [CompletionResultType]::ParameterValue, 'List, move and forget named watch positions')
            [CompletionResult]::new('history', 'history', [CompletionResultType]::ParameterValue, 'Show what the change log knows of a key')
            [CompletionResult]::new('lock', 'lock', [CompletionResultType]::ParameterValue, 'Run a command while holding a lock')
            [CompletionResult]::new('memo', 'memo', [CompletionResultType]::ParameterValue, 'Run a command, or replay what it printed last time')
            [CompletionResult]::new('quota', 'quota', [CompletionResultType]::ParameterValue, 'Limit what a namespace may hold')
            [CompletionResult]::new('namespace', 'namespace', [CompletionResultType]::ParameterValue, 'List or delete namespaces')
            [CompletionResult]::new('backup', 'backup', [CompletionResultType]::ParameterValue, 'Copy the store to a file, whoever is writing')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Replace the store by a backup')
            [CompletionResult]::new('access', 'access', [CompletionResultType]::ParameterValue, 'Say who may do what in a namespace')
            [CompletionResult]::new('info', 'info', [CompletionResultType]::ParameterValue, 'Show what the store is and holds')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Look for damage and for bookkeeping that does not add up')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Show the manual, or write the manual pages')
            break
        }
        'larder;set' {
            [CompletionResult]::new('--value', '--value', [CompletionResultType]::ParameterName, 'The value, for one that is a single - or starts with a dash')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Read the value from PATH, byte for byte')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'Let the entry expire after DUR (250ms, 5m, 1h30m, 7d)')
            [CompletionResult]::new('--expire-at', '--expire-at', [CompletionResultType]::ParameterName, 'Let the entry expire at TIME (RFC 3339)')
            [CompletionResult]::new('--if-version', '--if-version', [CompletionResultType]::ParameterName, 'Only if the entry is at version N')
            [CompletionResult]::new('--if-value', '--if-value', [CompletionResultType]::ParameterName, 'Only if the entry''s value is V')
            [CompletionResult]::new('--from-version', '--from-version', [CompletionResultType]::ParameterName, 'Store the value the key had at version N, if the change log still has it')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--keep-ttl', '--keep-ttl', [CompletionResultType]::ParameterName, 'Keep the time to live that the entry has')
            [CompletionResult]::new('--if-absent', '--if-absent', [CompletionResultType]::ParameterName, 'Only if the key does not exist')
            [CompletionResult]::new('--if-present', '--if-present', [CompletionResultType]::ParameterName, 'Only if the key exists')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;get' {
            [CompletionResult]::new('--default', '--default', [CompletionResultType]::ParameterName, 'Print V, with status 0, if the key does not exist')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the value to FILE instead of standard output, which is -')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the value to FILE instead of standard output, which is -')
            [CompletionResult]::new('--newline', '--newline', [CompletionResultType]::ParameterName, 'Whether to add a final newline: if missing and on a terminal, always, never')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print the value as it was at version N, if the change log still has it')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;list' {
            [CompletionResult]::new('--glob', '--glob', [CompletionResultType]::ParameterName, 'Only names that match P: * any run, ? one character, [...] a set')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Stop after N names')
            [CompletionResult]::new('--after', '--after', [CompletionResultType]::ParameterName, 'Start after the name KEY')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--values', '--values', [CompletionResultType]::ParameterName, 'Show values: KEY TAB VALUE, tabs, newlines and backslashes as \t, \n, \\')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Show values, bytes, versions and times; of groups, keys and bytes')
            [CompletionResult]::new('--long', '--long', [CompletionResultType]::ParameterName, 'Show values, bytes, versions and times; of groups, keys and bytes')
            [CompletionResult]::new('-0', '-0', [CompletionResultType]::ParameterName, 'End each name, or line of --values or --long, with a NUL byte instead of a newline')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;ls' {
            [CompletionResult]::new('--glob', '--glob', [CompletionResultType]::ParameterName, 'Only names that match P: * any run, ? one character, [...] a set')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Stop after N names')
            [CompletionResult]::new('--after', '--after', [CompletionResultType]::ParameterName, 'Start after the name KEY')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--values', '--values', [CompletionResultType]::ParameterName, 'Show values: KEY TAB VALUE, tabs, newlines and backslashes as \t, \n, \\')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Show values, bytes, versions and times; of groups, keys and bytes')
            [CompletionResult]::new('--long', '--long', [CompletionResultType]::ParameterName, 'Show values, bytes, versions and times; of groups, keys and bytes')
            [CompletionResult]::new('-0', '-0', [CompletionResultType]::ParameterName, 'End each name, or line of --values or --long, with a NUL byte instead of a newline')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;count' {
            [CompletionResult]::new('--glob', '--glob', [CompletionResultType]::ParameterName, 'Only keys that match P (* ? [...]); without GROUP, only groups that do')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;delete' {
            [CompletionResult]::new('--glob', '--glob', [CompletionResultType]::ParameterName, 'Delete the keys that match P')
            [CompletionResult]::new('--groups', '--groups', [CompletionResultType]::ParameterName, 'Delete every group whose name matches GLOB')
            [CompletionResult]::new('--if-version', '--if-version', [CompletionResultType]::ParameterName, 'Only if the entry is at version N (one KEY)')
            [CompletionResult]::new('--if-value', '--if-value', [CompletionResultType]::ParameterName, 'Only if the entry''s value is V (one KEY)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Delete the whole group')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Confirm --groups')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Delete nothing; print what would go')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;del' {
            [CompletionResult]::new('--glob', '--glob', [CompletionResultType]::ParameterName, 'Delete the keys that match P')
            [CompletionResult]::new('--groups', '--groups', [CompletionResultType]::ParameterName, 'Delete every group whose name matches GLOB')
            [CompletionResult]::new('--if-version', '--if-version', [CompletionResultType]::ParameterName, 'Only if the entry is at version N (one KEY)')
            [CompletionResult]::new('--if-value', '--if-value', [CompletionResultType]::ParameterName, 'Only if the entry''s value is V (one KEY)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Delete the whole group')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Confirm --groups')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Delete nothing; print what would go')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;rm' {
            [CompletionResult]::new('--glob', '--glob', [CompletionResultType]::ParameterName, 'Delete the keys that match P')
            [CompletionResult]::new('--groups', '--groups', [CompletionResultType]::ParameterName, 'Delete every group whose name matches GLOB')
            [CompletionResult]::new('--if-version', '--if-version', [CompletionResultType]::ParameterName, 'Only if the entry is at version N (one KEY)')
            [CompletionResult]::new('--if-value', '--if-value', [CompletionResultType]::ParameterName, 'Only if the entry''s value is V (one KEY)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Delete the whole group')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Confirm --groups')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Delete nothing; print what would go')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;ttl' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;expire' {
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'Due after DUR (250ms, 5m, 1h30m, 7d)')
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'Due at TIME (RFC 3339)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--never', '--never', [CompletionResultType]::ParameterName, 'Never due')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;incr' {
            [CompletionResult]::new('--by', '--by', [CompletionResultType]::ParameterName, 'Add N, which may be negative')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'If the key does not exist yet: due after DUR (250ms, 5m, 1h30m, 7d)')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;purge' {
            [CompletionResult]::new('--keep-changes', '--keep-changes', [CompletionResultType]::ParameterName, 'Trim the change log to changes younger than DUR, or to the newest N')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Remove nothing; print how many due entries there are')
            [CompletionResult]::new('--vacuum', '--vacuum', [CompletionResultType]::ParameterName, 'Then give free space back to the file system; locks the store meanwhile')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;render' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to FILE instead of standard output, which is -')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to FILE instead of standard output, which is -')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Replace FILE only if CMD succeeds on the new text, which is in the file $LARDER_CANDIDATE')
            [CompletionResult]::new('--exec', '--exec', [CompletionResultType]::ParameterName, 'Run CMD after FILE was replaced')
            [CompletionResult]::new('--exec-timeout', '--exec-timeout', [CompletionResultType]::ParameterName, 'How long the commands of --check and --exec may take')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Give FILE these permissions, in octal')
            [CompletionResult]::new('--debounce', '--debounce', [CompletionResultType]::ParameterName, 'Render only once the group has not changed for this long')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--lenient', '--lenient', [CompletionResultType]::ParameterName, 'Let names that the group lacks be empty')
            [CompletionResult]::new('--in-place', '--in-place', [CompletionResultType]::ParameterName, 'Write into FILE instead of replacing it, for a file that is mounted by itself; readers may see a half-written text')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Stay, and render again whenever the group changes')
            [CompletionResult]::new('--diff', '--diff', [CompletionResultType]::ParameterName, 'Print what would change in FILE, as diff -u does, and change and run nothing')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;batch' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--stream', '--stream', [CompletionResultType]::ParameterName, 'Answer each line as soon as it is on disk')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;export' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to FILE instead of standard output, which is -')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to FILE instead of standard output, which is -')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'The format')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;import' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'The format, if the file''s name does not say it')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Store everything in group G, whatever namespace and group the lines name')
            [CompletionResult]::new('--on-conflict', '--on-conflict', [CompletionResultType]::ParameterName, 'What to do with a key that exists: replace it, skip the line, or fail')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Check everything, store nothing; print how many entries would be stored')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;watch' {
            [CompletionResult]::new('--groups', '--groups', [CompletionResultType]::ParameterName, 'Only groups that match GLOB')
            [CompletionResult]::new('--consumer', '--consumer', [CompletionResultType]::ParameterName, 'Keep the position in the store under NAME, and go on from there next time')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'End with status 0 after N changes')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End with status 6 after DUR in all')
            [CompletionResult]::new('--interval', '--interval', [CompletionResultType]::ParameterName, 'Look for changes of writers other than larder this often, should nothing be heard of their writing')
            [CompletionResult]::new('--retry', '--retry', [CompletionResultType]::ParameterName, 'Give up on a change after N more attempts of a failing command, and end with its status; without it, try for ever')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Broadcast the changes to WebSocket clients at ADDR too (8080, :8080, 127.0.0.1:8080, [::1]:0); without an IP address it is the loopback interface, and port 0 takes a free one, which is told on standard error. 64 clients at a time are served; one more gets status 503. Nothing is encrypted: beyond this machine, put a proxy before it')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'The token that clients show is in FILE, which is made if it does not exist and must be readable by its owner only; the default is $XDG_DATA_HOME/larder/watch.token (~/.local/share)')
            [CompletionResult]::new('--allow-origin', '--allow-origin', [CompletionResultType]::ParameterName, 'Let pages from O connect too (https://example.org); may be repeated')
            [CompletionResult]::new('--after', '--after', [CompletionResultType]::ParameterName, 'Start after the change SEQ instead of now')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--snapshot', '--snapshot', [CompletionResultType]::ParameterName, 'Print the current entries first, each as the "set" that wrote it, then every later change')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;consumer' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show every consumer, its position and how many changes it has yet to handle')
            [CompletionResult]::new('reset', 'reset', [CompletionResultType]::ParameterValue, 'Move a consumer''s position')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Forget a consumer, so that it no longer holds back the change log')
            break
        }
        'larder;consumer;list' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;consumer;reset' {
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'The last change to count as handled; without it, the newest there is')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;consumer;delete' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;history' {
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Show at most N changes')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;lock' {
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'Length of the lease, at least 100ms')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Give up with status 6 after DUR; without it, wait for ever')
            [CompletionResult]::new('--conflict-status', '--conflict-status', [CompletionResultType]::ParameterName, 'End with status N, not 6, if the lock stays taken')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--try', '--try', [CompletionResultType]::ParameterName, 'Give up with status 6 at once if the lock is taken; with --quiet, say nothing')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;memo' {
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long a result is replayed')
            [CompletionResult]::new('--stale', '--stale', [CompletionResultType]::ParameterName, 'How long after that an old result is replayed while one caller renews it')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--cache-failures', '--cache-failures', [CompletionResultType]::ParameterName, 'Keep failures too')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;quota' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Set limits of a namespace; those not named stay')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show use and limits of one namespace, or of every one that has limits')
            [CompletionResult]::new('clear', 'clear', [CompletionResultType]::ParameterValue, 'Remove all limits of a namespace')
            break
        }
        'larder;quota;set' {
            [CompletionResult]::new('--max-keys', '--max-keys', [CompletionResultType]::ParameterName, 'Most live keys; 0 is no limit')
            [CompletionResult]::new('--max-bytes', '--max-bytes', [CompletionResultType]::ParameterName, 'Most bytes of live keys and values (4096, 10k, 10MiB, 1G); 0 is no limit')
            [CompletionResult]::new('--max-groups', '--max-groups', [CompletionResultType]::ParameterName, 'Most groups with a live key; 0 is no limit')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;quota;show' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;quota;clear' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;namespace' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List every namespace: keys, bytes, groups, limits, next expiry')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List every namespace: keys, bytes, groups, limits, next expiry')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Delete a namespace: its groups, quota and watch positions; a closed one stays closed')
            break
        }
        'larder;namespace;list' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;namespace;ls' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;namespace;delete' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Confirm that everything in it is to go')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;backup' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;restore' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Confirm that the store''s present contents may go')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;access' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('grant', 'grant', [CompletionResultType]::ParameterValue, 'Grant access; the first grant closes the namespace to everybody else')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Take all access away from a principal; the namespace stays closed')
            [CompletionResult]::new('open', 'open', [CompletionResultType]::ParameterValue, 'Open a namespace to everybody; all its grants go')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the grants of one namespace, or of all; "nobody" is a closed one without grants')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List the grants of one namespace, or of all; "nobody" is a closed one without grants')
            break
        }
        'larder;access;grant' {
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Only in the groups that match GLOB')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;access;revoke' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;access;open' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Confirm that everybody who can open the store gets in')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;access;list' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;access;ls' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;info' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;check' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--repair', '--repair', [CompletionResultType]::ParameterName, 'Rebuild what can be derived, and say what was done')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;completions' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'larder;man' {
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour the output')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Wait this long for a store that another process has locked [default: 5s]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON, one record a line')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress, only results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
