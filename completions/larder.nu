module completions {

  def "nu-complete larder color" [] {
    [ "auto" "always" "never" ]
  }

  # A key-value store for the shell: one binary, one SQLite file, no server
  export extern larder [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    --version(-V)             # Print version
  ]

  def "nu-complete larder set color" [] {
    [ "auto" "always" "never" ]
  }

  # Store a value under a key
  export extern "larder set" [
    --value: string           # The value, for one that is a single - or starts with a dash
    --file: path              # Read the value from PATH, byte for byte
    --ttl: string             # Let the entry expire after DUR (250ms, 5m, 1h30m, 7d)
    --expire-at: string       # Let the entry expire at TIME (RFC 3339)
    --keep-ttl                # Keep the time to live that the entry has
    --if-absent               # Only if the key does not exist
    --if-present              # Only if the key exists
    --if-version: string      # Only if the entry is at version N
    --if-value: string        # Only if the entry's value is V
    --from-version: string    # Store the value the key had at version N, if the change log still has it
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder set color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key
    value?: string            # The value; - reads standard input to its end
  ]

  def "nu-complete larder get newline" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete larder get color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the value of a key, or of several
  export extern "larder get" [
    --default: string         # Print V, with status 0, if the key does not exist
    --output(-o): path        # Write to FILE instead of standard output, which is -
    --newline: string@"nu-complete larder get newline" # Whether to add a final newline to the value of one key: if missing and on a terminal, always, never
    --version: string         # Print the value of one key as it was at version N, if the change log still has it
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder get color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    ...keys: string           # The key, or several
  ]

  def "nu-complete larder list color" [] {
    [ "auto" "always" "never" ]
  }

  # List the keys of a group, or the groups
  export extern "larder list" [
    --glob: string            # Only names that match P: * any run, ? one character, [...] a set
    --values                  # Show values: KEY TAB VALUE, tabs, newlines and backslashes as \t, \n, \\
    --long(-l)                # Show values, bytes, versions and times, and where jobs were taken from the group what is known of each: who has it until when, why it failed; of groups, keys and bytes
    --limit: string           # Stop after N names
    --after: string           # Start after the name KEY
    -0                        # End each name, or line of --values or --long, with a NUL byte instead of a newline
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder list color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group?: string            # The group; the groups themselves without one
  ]

  def "nu-complete larder count color" [] {
    [ "auto" "always" "never" ]
  }

  # Count the keys of a group, or of everything
  export extern "larder count" [
    --glob: string            # Only keys that match P (* ? [...]); without GROUP, only groups that do
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder count color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group?: string            # The group; all groups in scope without one
  ]

  def "nu-complete larder delete color" [] {
    [ "auto" "always" "never" ]
  }

  # Delete keys, a group, or many groups
  export extern "larder delete" [
    --glob: string            # Delete the keys that match P
    --all                     # Delete the whole group
    --groups: string          # Delete every group whose name matches GLOB
    --yes                     # Confirm --groups; a person at a terminal is asked instead
    --if-version: string      # Only if the entry is at version N (one KEY)
    --if-value: string        # Only if the entry's value is V (one KEY)
    --dry-run                 # Delete nothing; print what would go
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder delete color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group?: string            # The group
    ...keys: string           # The keys
  ]

  def "nu-complete larder edit color" [] {
    [ "auto" "always" "never" ]
  }

  # Edit a value in your editor
  export extern "larder edit" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder edit color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key
  ]

  def "nu-complete larder copy color" [] {
    [ "auto" "always" "never" ]
  }

  # Copy a key, or a whole group
  export extern "larder copy" [
    --to-group: string        # The other group; the same without one
    --if-absent               # Only if there is no such key yet; of a whole group, if the other one holds no key
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder copy color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key?: string              # The key; all keys of the group without one
    to_key?: string           # The key's other name
  ]

  def "nu-complete larder rename color" [] {
    [ "auto" "always" "never" ]
  }

  # Rename a key, or a whole group
  export extern "larder rename" [
    --to-group: string        # The other group; the same without one
    --if-absent               # Only if there is no such key yet; of a whole group, if the other one holds no key
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder rename color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key?: string              # The key; all keys of the group without one
    to_key?: string           # The key's other name
  ]

  def "nu-complete larder ttl color" [] {
    [ "auto" "always" "never" ]
  }

  # Print how long an entry has left
  export extern "larder ttl" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder ttl color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key
  ]

  def "nu-complete larder expire color" [] {
    [ "auto" "always" "never" ]
  }

  # Change how long an entry has left
  export extern "larder expire" [
    --ttl: string             # Due after DUR (250ms, 5m, 1h30m, 7d)
    --at: string              # Due at TIME (RFC 3339)
    --never                   # Never due
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder expire color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    ...keys: string           # The keys
  ]

  def "nu-complete larder incr color" [] {
    [ "auto" "always" "never" ]
  }

  # Add to a number and print the sum
  export extern "larder incr" [
    --by: string              # Add N, which may be negative
    --ttl: string             # If the key does not exist yet: due after DUR (250ms, 5m, 1h30m, 7d)
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder incr color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key
  ]

  def "nu-complete larder purge color" [] {
    [ "auto" "always" "never" ]
  }

  # Remove due entries and trim the change log
  export extern "larder purge" [
    --dry-run                 # Remove nothing; print how many due entries there are
    --keep-changes: string    # Trim the change log to changes younger than DUR, or to the newest N
    --vacuum                  # Then give free space back to the file system; locks the store meanwhile
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder purge color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group?: string            # Only this group's entries; without it, every group in scope
  ]

  def "nu-complete larder env color" [] {
    [ "auto" "always" "never" ]
  }

  # Run a command with the keys of groups as its environment
  export extern "larder env" [
    --glob: string            # Only keys that match P: * any run, ? one character, [...] a set
    --prefix: string          # Put P before each name
    --upper                   # Make names of variables out of the keys: DB_HOST out of db-host
    --keep                    # Leave variables that are set as they are
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder env color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ...group: string          # The groups; later ones count more
  ]

  def "nu-complete larder render color" [] {
    [ "auto" "always" "never" ]
  }

  # Fill a template from a group
  export extern "larder render" [
    --output(-o): path        # Write to FILE instead of standard output, which is -
    --lenient                 # Let names that the group lacks be empty
    --check: string           # Replace FILE only if CMD succeeds on the new text, which is in the file $LARDER_CANDIDATE
    --exec: string            # Run CMD after FILE was replaced
    --exec-timeout: string    # How long the commands of --check and --exec may take
    --mode: string            # Give FILE these permissions, in octal
    --in-place                # Write into FILE instead of replacing it, for a file that is mounted by itself; readers may see a half-written text
    --watch                   # Stay, and render again whenever the group changes
    --debounce: string        # Render only once the group has not changed for this long
    --diff                    # Print what would change in FILE, as diff -u does, and change and run nothing
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder render color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    template: path            # The template's file; - reads standard input
  ]

  def "nu-complete larder batch color" [] {
    [ "auto" "always" "never" ]
  }

  # Do many operations in one transaction or one process
  export extern "larder batch" [
    --stream                  # Answer each line as soon as it is on disk
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder batch color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    file: path                # The file of JSON lines; - is standard input
  ]

  def "nu-complete larder export format" [] {
    [ "jsonl" "json" "csv" "env" ]
  }

  def "nu-complete larder export color" [] {
    [ "auto" "always" "never" ]
  }

  # Print entries in a form that import takes
  export extern "larder export" [
    --output(-o): path        # Write to FILE instead of standard output, which is -
    --format: string@"nu-complete larder export format" # The format
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder export color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group?: string            # The group; every group in scope without one
  ]

  def "nu-complete larder import format" [] {
    [ "jsonl" "json" "csv" "env" ]
  }

  def "nu-complete larder import on_conflict" [] {
    [ "replace" "skip" "fail" ]
  }

  def "nu-complete larder import color" [] {
    [ "auto" "always" "never" ]
  }

  # Store entries from a file
  export extern "larder import" [
    --format: string@"nu-complete larder import format" # The format, if the file's name does not say it
    --group: string           # Store everything in group G, whatever namespace and group the lines name
    --on-conflict: string@"nu-complete larder import on_conflict" # What to do with a key that exists: replace it, skip the line, or fail
    --dry-run                 # Check everything, store nothing; print how many entries would be stored
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder import color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    file: path                # The file; - is standard input
  ]

  def "nu-complete larder watch color" [] {
    [ "auto" "always" "never" ]
  }

  # Follow every change, to the terminal, a pipe or a command
  export extern "larder watch" [
    --groups: string          # Only groups that match GLOB
    --snapshot                # Print the current entries first, each as the "set" that wrote it, then every later change
    --consumer: string        # Keep the position in the store under NAME, and go on from there next time
    --count: string           # End with status 0 after N changes
    --timeout: string         # End with status 6 after DUR in all
    --interval: string        # Look for changes of writers other than larder this often, should nothing be heard of their writing
    --retry: string           # Give up on a change after N more attempts of a failing command, and end with its status; without it, try for ever
    --listen: string          # Broadcast the changes to WebSocket clients at ADDR too (8080, :8080, 127.0.0.1:8080, [::1]:0); without an IP address it is the loopback interface, and port 0 takes a free one, which is told on standard error. 64 clients at a time are served; one more gets status 503. Nothing is encrypted: beyond this machine, put a proxy before it
    --token-file: path        # The token that clients show is in FILE, which is made if it does not exist and must be readable by its owner only; the default is $XDG_DATA_HOME/larder/watch.token (~/.local/share)
    --allow-origin: string    # Let pages from O connect too (https://example.org); may be repeated
    --after: string           # Start after the change SEQ instead of now
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder watch color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group?: string            # Only this group
    keys?: string             # Only keys that match: * any run, ? one character, [...] a set; and the deletion of the whole group
  ]

  def "nu-complete larder wait color" [] {
    [ "auto" "always" "never" ]
  }

  # Wait for a key: to exist, to have a value, to change, to go
  export extern "larder wait" [
    --value: string           # Until the value is V
    --absent                  # Until the key does not exist, or has expired
    --newer-than: string      # Until the entry is newer than version N
    --timeout: string         # End with status 6 after DUR in all
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder wait color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key
  ]

  def "nu-complete larder consumer color" [] {
    [ "auto" "always" "never" ]
  }

  # List, move and forget named watch positions
  export extern "larder consumer" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder consumer color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder consumer list color" [] {
    [ "auto" "always" "never" ]
  }

  # Show every consumer, its position and how many changes it has yet to handle
  export extern "larder consumer list" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder consumer list color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder consumer reset color" [] {
    [ "auto" "always" "never" ]
  }

  # Move a consumer's position
  export extern "larder consumer reset" [
    --to: string              # The last change to count as handled; without it, the newest there is
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder consumer reset color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    name: string              # The consumer
  ]

  def "nu-complete larder consumer delete color" [] {
    [ "auto" "always" "never" ]
  }

  # Forget a consumer, so that it no longer holds back the change log
  export extern "larder consumer delete" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder consumer delete color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    name: string              # The consumer
  ]

  def "nu-complete larder history color" [] {
    [ "auto" "always" "never" ]
  }

  # Show what the change log knows of a key
  export extern "larder history" [
    --limit: string           # Show at most N changes
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder history color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key
  ]

  def "nu-complete larder push color" [] {
    [ "auto" "always" "never" ]
  }

  # Add a job to a queue
  export extern "larder push" [
    --value: string           # The value, for one that is a single - or starts with a dash
    --file: path              # Read the value from PATH, byte for byte
    --delay: string           # Let nobody take the job before DUR is over
    --ttl: string             # Let the job expire after DUR (250ms, 5m, 1h30m, 7d)
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder push color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    value?: string            # The value; - reads standard input to its end
  ]

  def "nu-complete larder take color" [] {
    [ "auto" "always" "never" ]
  }

  # Take jobs from a queue, and run a command for each
  export extern "larder take" [
    --lease: string           # Length of the lease, at least 100ms
    --retry: string           # Move a job away that has failed N times
    --backoff: string         # The pause after the first failure; it doubles with each
    --dead: string            # Move such jobs to GROUP instead of to the group of that name with .dead behind it
    --jobs: string            # Run N commands at a time
    --count: string           # End with status 0 after N jobs
    --timeout: string         # End with status 6 after DUR in all
    --drain                   # End when no job is left or leased; without CMD, with status 1 if there was none
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder take color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
  ]

  def "nu-complete larder ack color" [] {
    [ "auto" "always" "never" ]
  }

  # Say that a job is done
  export extern "larder ack" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder ack color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key of the job
    receipt: string           # The receipt that 'take' printed with it
  ]

  def "nu-complete larder nack color" [] {
    [ "auto" "always" "never" ]
  }

  # Give a job back that is not done
  export extern "larder nack" [
    --delay: string           # Let nobody take the job before DUR is over
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder nack color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key of the job
    receipt: string           # The receipt that 'take' printed with it
  ]

  def "nu-complete larder lock color" [] {
    [ "auto" "always" "never" ]
  }

  # Run a command while holding a lock
  export extern "larder lock" [
    --ttl: string             # Length of the lease, at least 100ms
    --holders: string         # Let N hold the lock at once
    --wait: string            # Give up with status 6 after DUR; without it, wait for ever
    --try                     # Give up with status 6 at once if the lock is taken, and after half a second if the store stays locked; --quiet does not report a taken lock
    --conflict-status: string # End with status N, not 6, if the lock stays taken
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder lock color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key
  ]

  def "nu-complete larder memo color" [] {
    [ "auto" "always" "never" ]
  }

  # Run a command, or replay what it printed last time
  export extern "larder memo" [
    --ttl: string             # How long a result is replayed
    --forever                 # Replay the result until it is deleted
    --stale: string           # How long after that an old result is replayed while one caller renews it
    --refresh                 # Run the command whatever is kept, and keep what it prints this time; others get the old result until then
    --cache-failures          # Keep failures too
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder memo color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key
  ]

  def "nu-complete larder quota color" [] {
    [ "auto" "always" "never" ]
  }

  # Limit what a namespace may hold
  export extern "larder quota" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder quota color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder quota set color" [] {
    [ "auto" "always" "never" ]
  }

  # Set limits of a namespace; those not named stay
  export extern "larder quota set" [
    --max-keys: string        # Most live keys; 0 is no limit
    --max-bytes: string       # Most bytes of live keys and values (4096, 10k, 10MiB, 1G); 0 is no limit
    --max-groups: string      # Most groups with a live key; 0 is no limit
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder quota set color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ns: string                # The namespace
  ]

  def "nu-complete larder quota show color" [] {
    [ "auto" "always" "never" ]
  }

  # Show use and limits of one namespace, or of every one that has limits
  export extern "larder quota show" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder quota show color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ns?: string               # The namespace
  ]

  def "nu-complete larder quota clear color" [] {
    [ "auto" "always" "never" ]
  }

  # Remove all limits of a namespace
  export extern "larder quota clear" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder quota clear color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ns: string                # The namespace
  ]

  def "nu-complete larder namespace color" [] {
    [ "auto" "always" "never" ]
  }

  # List or delete namespaces
  export extern "larder namespace" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder namespace color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder namespace list color" [] {
    [ "auto" "always" "never" ]
  }

  # List every namespace: keys, bytes, groups, limits, next expiry
  export extern "larder namespace list" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder namespace list color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder namespace delete color" [] {
    [ "auto" "always" "never" ]
  }

  # Delete a namespace: its groups, quota and watch positions; a closed one stays closed
  export extern "larder namespace delete" [
    --yes                     # Confirm that everything in it is to go
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder namespace delete color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ns: string                # The namespace
  ]

  def "nu-complete larder backup color" [] {
    [ "auto" "always" "never" ]
  }

  # Copy the store to a file, whoever is writing
  export extern "larder backup" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder backup color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    file: path                # The file to make; - is standard output
  ]

  def "nu-complete larder restore color" [] {
    [ "auto" "always" "never" ]
  }

  # Replace the store by a backup
  export extern "larder restore" [
    --yes                     # Confirm that the store's present contents may go
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder restore color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    file: path                # The backup; - is standard input
  ]

  def "nu-complete larder access color" [] {
    [ "auto" "always" "never" ]
  }

  # Say who may do what in a namespace
  export extern "larder access" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder access color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder access grant level" [] {
    [ "read" "write" "admin" ]
  }

  def "nu-complete larder access grant color" [] {
    [ "auto" "always" "never" ]
  }

  # Grant access; the first grant closes the namespace to everybody else
  export extern "larder access grant" [
    --group: string           # Only in the groups that match GLOB
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder access grant color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ns: string                # The namespace
    principal: string         # user:NAME or user:ID, group:NAME or group:ID, everyone
    level: string@"nu-complete larder access grant level" # What is allowed: read shows entries and changes, write also changes entries, admin also changes grants and quotas and deletes the namespace
  ]

  def "nu-complete larder access revoke color" [] {
    [ "auto" "always" "never" ]
  }

  # Take all access away from a principal; the namespace stays closed
  export extern "larder access revoke" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder access revoke color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ns: string                # The namespace
    principal: string         # user:NAME or user:ID, group:NAME or group:ID, everyone
  ]

  def "nu-complete larder access open color" [] {
    [ "auto" "always" "never" ]
  }

  # Open a namespace to everybody; all its grants go
  export extern "larder access open" [
    --yes                     # Confirm that everybody who can open the store gets in
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder access open color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ns: string                # The namespace
  ]

  def "nu-complete larder access list color" [] {
    [ "auto" "always" "never" ]
  }

  # List the grants of one namespace, or of all; "nobody" is a closed one without grants
  export extern "larder access list" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder access list color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ns?: string               # The namespace
  ]

  def "nu-complete larder info color" [] {
    [ "auto" "always" "never" ]
  }

  # Show what the store is and holds
  export extern "larder info" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder info color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder top by" [] {
    [ "group" "namespace" ]
  }

  def "nu-complete larder top sort" [] {
    [ "changes" "keys" "bytes" "expiring" "leased" "dead" "name" ]
  }

  def "nu-complete larder top color" [] {
    [ "auto" "always" "never" ]
  }

  # Show live which groups or namespaces are busy and large
  export extern "larder top" [
    --by: string@"nu-complete larder top by" # What a row is: a group or a namespace
    --sort: string@"nu-complete larder top sort" # Sort by a column, the largest first; names in byte order
    --interval: string        # Look again after DUR
    --limit: string           # Show at most N rows
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder top color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder check color" [] {
    [ "auto" "always" "never" ]
  }

  # Look for damage and for bookkeeping that does not add up
  export extern "larder check" [
    --repair                  # Rebuild what can be derived, and say what was done
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder check color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder completions shell" [] {
    [ "bash" "elvish" "fish" "nushell" "powershell" "zsh" ]
  }

  def "nu-complete larder completions color" [] {
    [ "auto" "always" "never" ]
  }

  # Print a completion script for a shell
  export extern "larder completions" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder completions color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    shell: string@"nu-complete larder completions shell" # The shell
  ]

  def "nu-complete larder man color" [] {
    [ "auto" "always" "never" ]
  }

  # Show the manual, or write the manual pages
  export extern "larder man" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if there is no store yet, instead of making one or finding nothing
    --json                    # Print JSON, one record a line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder man color" # Colour the output
    --busy-timeout: string    # Wait this long for a store that another process has locked [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    dir?: path                # Write the pages here; created if its name has a slash
  ]

}

export use completions *
