module completions {

  def "nu-complete larder color" [] {
    [ "auto" "always" "never" ]
  }

  # A key-value store for the shell: one binary, one SQLite file, no server
  export extern larder [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    --version(-V)             # Print version
  ]

  def "nu-complete larder set color" [] {
    [ "auto" "always" "never" ]
  }

  # Store a value under a key
  export extern "larder set" [
    --value: string           # The value; use this for a single - or a leading dash
    --file: path              # Read the value from PATH, byte for byte
    --ttl: string             # Let the entry expire after DUR (250ms, 5m, 1h30m, 7d)
    --expire-at: string       # Let the entry expire at TIME (RFC 3339)
    --keep-ttl                # Keep the entry's TTL
    --if-absent               # Only if the key does not exist
    --if-present              # Only if the key exists
    --if-version: string      # Only if the entry is at version N
    --if-value: string        # Only if the entry's value is V
    --from-version: string    # Store the value of version N again, if still in the change log
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder set color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
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
    --output(-o): path        # Write to FILE; - is standard output
    --newline: string@"nu-complete larder get newline" # When to add a final newline to the value of one key: auto adds a missing one on a terminal
    --version: string         # Print the value of one key at version N, if still in the change log
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder get color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    ...keys: string           # The keys
  ]

  def "nu-complete larder list color" [] {
    [ "auto" "always" "never" ]
  }

  # List the keys of a group, or the groups
  export extern "larder list" [
    --glob: string            # Only names that match P: * any run, ? one character, [...] a set
    --values                  # Show values: KEY TAB VALUE, tabs, newlines and backslashes as \t, \n, \\
    --long(-l)                # Show values, bytes, versions and times, and for jobs the holder and end of the lease, or the last failure; for groups, keys and bytes
    --limit: string           # Stop after N names
    --after: string           # Start after the name KEY
    -0                        # End each name, or line of --values or --long, with a NUL byte instead of a newline
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder list color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group?: string            # The group; omit it to list the groups
  ]

  def "nu-complete larder count color" [] {
    [ "auto" "always" "never" ]
  }

  # Count the keys of a group, or of everything
  export extern "larder count" [
    --glob: string            # Only keys that match P (* ? [...]); without GROUP, only groups that do
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder count color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group?: string            # The group; by default all groups in scope
  ]

  def "nu-complete larder delete color" [] {
    [ "auto" "always" "never" ]
  }

  # Delete keys, a group, or many groups
  export extern "larder delete" [
    --glob: string            # Delete the keys that match P
    --all                     # Delete the whole group
    --groups: string          # Delete every group whose name matches GLOB
    --yes                     # Confirm --groups; on a terminal there is a prompt instead
    --if-version: string      # Only if the entry is at version N (one KEY)
    --if-value: string        # Only if the entry's value is V (one KEY)
    --dry-run                 # Delete nothing; print what would be deleted
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder delete color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
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
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder edit color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key
  ]

  def "nu-complete larder copy color" [] {
    [ "auto" "always" "never" ]
  }

  # Copy a key, or a whole group
  export extern "larder copy" [
    --to-group: string        # The target group; by default the same
    --if-absent               # Only if the target key does not exist; for a whole group, only if the target group holds no key
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder copy color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key?: string              # The key; omit it for all keys of the group
    to_key?: string           # The target key
  ]

  def "nu-complete larder rename color" [] {
    [ "auto" "always" "never" ]
  }

  # Rename a key, or a whole group
  export extern "larder rename" [
    --to-group: string        # The target group; by default the same
    --if-absent               # Only if the target key does not exist; for a whole group, only if the target group holds no key
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder rename color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key?: string              # The key; omit it for all keys of the group
    to_key?: string           # The target key
  ]

  def "nu-complete larder ttl color" [] {
    [ "auto" "always" "never" ]
  }

  # Print an entry's remaining TTL
  export extern "larder ttl" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder ttl color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key
  ]

  def "nu-complete larder expire color" [] {
    [ "auto" "always" "never" ]
  }

  # Change an entry's TTL
  export extern "larder expire" [
    --ttl: string             # Expire after DUR (250ms, 5m, 1h30m, 7d)
    --at: string              # Expire at TIME (RFC 3339)
    --never                   # Never expire
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder expire color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
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
    --ttl: string             # If the key does not exist yet, let it expire after DUR (250ms, 5m, 1h30m, 7d)
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder incr color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key
  ]

  def "nu-complete larder purge color" [] {
    [ "auto" "always" "never" ]
  }

  # Remove expired entries and trim the change log
  export extern "larder purge" [
    --dry-run                 # Remove nothing; print the number of expired entries
    --keep-changes: string    # Trim the change log to changes younger than DUR, or to the newest N
    --vacuum                  # Then return free space to the file system; locks the store meanwhile
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder purge color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group?: string            # Only this group's entries; by default those of every group in scope
  ]

  def "nu-complete larder env color" [] {
    [ "auto" "always" "never" ]
  }

  # Run a command with the keys of groups as its environment
  export extern "larder env" [
    --glob: string            # Only keys that match P: * any run, ? one character, [...] a set
    --prefix: string          # Put P before each name
    --upper                   # Convert keys to variable names: db-host to DB_HOST
    --keep                    # Keep the values of variables that are already set
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder env color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ...group: string          # The groups; later ones win
  ]

  def "nu-complete larder render color" [] {
    [ "auto" "always" "never" ]
  }

  # Fill a template from a group
  export extern "larder render" [
    --output(-o): path        # Write to FILE; - is standard output
    --lenient                 # Render missing names as empty strings
    --check: string           # Replace FILE only if CMD succeeds on the new text, which is in the file $LARDER_CANDIDATE
    --exec: string            # Run CMD after FILE was replaced
    --exec-timeout: string    # Time limit for each command of --check and --exec
    --mode: string            # Set FILE's permissions, in octal
    --in-place                # Write into FILE instead of replacing it, for a bind-mounted file; readers may see a half-written text
    --watch                   # Keep running, and render again whenever the group changes
    --debounce: string        # Render only once the group has not changed for this long
    --diff                    # Print what would change in FILE, as diff -u does, and change and run nothing
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder render color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    template: path            # The template file; - is standard input
  ]

  def "nu-complete larder batch color" [] {
    [ "auto" "always" "never" ]
  }

  # Run many operations in one transaction or one process
  export extern "larder batch" [
    --stream                  # Answer each line as soon as it is on disk
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder batch color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    file: path                # The file of JSON lines; - is standard input
  ]

  def "nu-complete larder export format" [] {
    [ "jsonl" "json" "csv" "env" ]
  }

  def "nu-complete larder export color" [] {
    [ "auto" "always" "never" ]
  }

  # Export entries in a format that import reads
  export extern "larder export" [
    --output(-o): path        # Write to FILE; - is standard output
    --format: string@"nu-complete larder export format" # The format
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder export color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group?: string            # The group; by default every group in scope
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

  # Import entries from a file
  export extern "larder import" [
    --format: string@"nu-complete larder import format" # The format; by default that of the file's name
    --group: string           # Store everything in group G, ignoring the namespaces and groups of the lines
    --on-conflict: string@"nu-complete larder import on_conflict" # What to do with a key that exists: replace it, skip the line, or fail
    --dry-run                 # Check everything, store nothing; print the number of entries that would be stored
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder import color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    file: path                # The file; - is standard input
  ]

  def "nu-complete larder watch color" [] {
    [ "auto" "always" "never" ]
  }

  # Follow every change on a terminal, in a pipe or with a command
  export extern "larder watch" [
    --groups: string          # Only groups that match GLOB
    --snapshot                # Print the current entries first, each as the "set" that wrote it, then every later change
    --consumer: string        # Keep the position in the store under NAME, and resume there next time
    --count: string           # End with status 0 after N changes
    --timeout: string         # End with status 6 after DUR in total
    --interval: string        # Polling interval for changes by other SQLite clients
    --retry: string           # Give up on a change after N more attempts of a failing command, and end with its status; by default retry forever
    --debounce: string        # Run CMD once for a burst of changes, which ends when none has come for DUR
    --restart                 # End CMD if it still runs when there are new changes, and start it again
    --listen: string          # Also broadcast the changes to WebSocket clients at ADDR (8080, :8080, 127.0.0.1:8080, [::1]:0); without an IP address it is the loopback interface, and port 0 takes a free one, which is printed on standard error. 64 clients at a time are served; one more gets status 503. Nothing is encrypted: use a proxy for other machines
    --token-file: path        # Read the token for clients from FILE, which is created if missing and must be readable by its owner only; the default is $XDG_DATA_HOME/larder/watch.token (~/.local/share)
    --allow-origin: string    # Allow pages from O to connect (https://example.org); may be repeated
    --after: string           # Start after the change SEQ instead of now
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder watch color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group?: string            # Only this group
    keys?: string             # Only keys that match: * any run, ? one character, [...] a set; and the deletion of the whole group
  ]

  def "nu-complete larder wait color" [] {
    [ "auto" "always" "never" ]
  }

  # Wait for a key to exist, have a value, change or disappear
  export extern "larder wait" [
    --value: string           # Until the value is V
    --absent                  # Until the key does not exist, or has expired
    --newer-than: string      # Until the entry is newer than version N
    --timeout: string         # End with status 6 after DUR in total
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder wait color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key
  ]

  def "nu-complete larder consumer color" [] {
    [ "auto" "always" "never" ]
  }

  # List, move and delete consumers (named watch positions)
  export extern "larder consumer" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder consumer color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder consumer list color" [] {
    [ "auto" "always" "never" ]
  }

  # List consumers, their positions and their numbers of unhandled changes
  export extern "larder consumer list" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder consumer list color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder consumer reset color" [] {
    [ "auto" "always" "never" ]
  }

  # Move a consumer's position
  export extern "larder consumer reset" [
    --to: string              # The last change to count as handled; by default the newest
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder consumer reset color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    name: string              # The consumer
  ]

  def "nu-complete larder consumer delete color" [] {
    [ "auto" "always" "never" ]
  }

  # Delete a consumer, so that the change log can be trimmed
  export extern "larder consumer delete" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder consumer delete color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    name: string              # The consumer
  ]

  def "nu-complete larder history color" [] {
    [ "auto" "always" "never" ]
  }

  # Show a key's change history
  export extern "larder history" [
    --limit: string           # Show at most N changes
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder history color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key
  ]

  def "nu-complete larder push color" [] {
    [ "auto" "always" "never" ]
  }

  # Add a job to a queue
  export extern "larder push" [
    --value: string           # The value; use this for a single - or a leading dash
    --file: path              # Read the value from PATH, byte for byte
    --delay: string           # Make the job available only after DUR
    --ttl: string             # Let the job expire after DUR (250ms, 5m, 1h30m, 7d)
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder push color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
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
    --retry: string           # Move a job to GROUP.dead after N failures
    --backoff: string         # The pause after the first failure; it doubles with each
    --dead: string            # Move such jobs to this GROUP instead
    --jobs: string            # Run N commands at a time
    --count: string           # End with status 0 after N jobs
    --timeout: string         # End with status 6 after DUR in total
    --drain                   # End when no job is left or leased; without CMD, with status 1 if there was none
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder take color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
  ]

  def "nu-complete larder ack color" [] {
    [ "auto" "always" "never" ]
  }

  # Mark a job as done
  export extern "larder ack" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder ack color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key of the job
    receipt: string           # The receipt printed by 'take'
  ]

  def "nu-complete larder nack color" [] {
    [ "auto" "always" "never" ]
  }

  # Return a job to its queue
  export extern "larder nack" [
    --delay: string           # Make the job available only after DUR
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder nack color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key of the job
    receipt: string           # The receipt printed by 'take'
  ]

  def "nu-complete larder lock color" [] {
    [ "auto" "always" "never" ]
  }

  # Run a command while holding a lock
  export extern "larder lock" [
    --ttl: string             # Length of the lease, at least 100ms
    --holders: string         # Let N hold the lock at once
    --wait: string            # Give up with status 6 after DUR; by default wait forever
    --try                     # Give up with status 6 at once if the lock is taken, and after half a second if the store stays locked; --quiet does not report a taken lock
    --conflict-status: string # End with status N, not 6, if the lock stays taken
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder lock color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key
  ]

  def "nu-complete larder memo color" [] {
    [ "auto" "always" "never" ]
  }

  # Run a command, or replay its last output
  export extern "larder memo" [
    --ttl: string             # How long a result is replayed
    --forever                 # Replay the result until it is deleted
    --stale: string           # How long after --ttl a stale result is replayed while one caller renews it
    --refresh                 # Run the command even if there is a result, and replace that; others get the old result until then
    --cache-failures          # Keep failures too
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder memo color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    group: string             # The group
    key: string               # The key
  ]

  def "nu-complete larder quota color" [] {
    [ "auto" "always" "never" ]
  }

  # Manage namespace quotas
  export extern "larder quota" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder quota color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder quota set color" [] {
    [ "auto" "always" "never" ]
  }

  # Set limits of a namespace; the others stay
  export extern "larder quota set" [
    --max-keys: string        # Maximum number of live keys; 0 is no limit
    --max-bytes: string       # Maximum bytes of live keys and values (4096, 10k, 10MiB, 1G); 0 is no limit
    --max-groups: string      # Maximum number of groups with a live key; 0 is no limit
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder quota set color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ns: string                # The namespace
  ]

  def "nu-complete larder quota show color" [] {
    [ "auto" "always" "never" ]
  }

  # Show usage and limits of one namespace, or of all with limits
  export extern "larder quota show" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder quota show color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
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
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder quota clear color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
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
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder namespace color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder namespace list color" [] {
    [ "auto" "always" "never" ]
  }

  # List every namespace: keys, bytes, groups, limits, next expiry
  export extern "larder namespace list" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder namespace list color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder namespace delete color" [] {
    [ "auto" "always" "never" ]
  }

  # Delete a namespace: its groups, quota and watch positions; a closed one stays closed
  export extern "larder namespace delete" [
    --yes                     # Confirm the deletion
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder namespace delete color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ns: string                # The namespace
  ]

  def "nu-complete larder backup color" [] {
    [ "auto" "always" "never" ]
  }

  # Back up the store while it is in use
  export extern "larder backup" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder backup color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    file: path                # The file to create; - is standard output
  ]

  def "nu-complete larder restore color" [] {
    [ "auto" "always" "never" ]
  }

  # Replace the store with a backup
  export extern "larder restore" [
    --yes                     # Confirm that the current contents will be replaced
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder restore color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    file: path                # The backup; - is standard input
  ]

  def "nu-complete larder access color" [] {
    [ "auto" "always" "never" ]
  }

  # Manage access grants
  export extern "larder access" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder access color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder access grant level" [] {
    [ "read" "write" "admin" ]
  }

  def "nu-complete larder access grant color" [] {
    [ "auto" "always" "never" ]
  }

  # Grant access; the first grant closes the namespace to everyone else
  export extern "larder access grant" [
    --group: string           # Only in the groups that match GLOB
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder access grant color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ns: string                # The namespace
    principal: string         # user:NAME or user:ID, group:NAME or group:ID, everyone
    level: string@"nu-complete larder access grant level" # The access level: read shows entries and changes, write also changes entries, admin also changes grants and quotas and deletes the namespace
  ]

  def "nu-complete larder access revoke color" [] {
    [ "auto" "always" "never" ]
  }

  # Revoke all access of a principal; the namespace stays closed
  export extern "larder access revoke" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder access revoke color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ns: string                # The namespace
    principal: string         # user:NAME or user:ID, group:NAME or group:ID, everyone
  ]

  def "nu-complete larder access open color" [] {
    [ "auto" "always" "never" ]
  }

  # Open a namespace to everyone; all its grants are removed
  export extern "larder access open" [
    --yes                     # Confirm access for everyone who can open the store
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder access open color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ns: string                # The namespace
  ]

  def "nu-complete larder access list color" [] {
    [ "auto" "always" "never" ]
  }

  # List the grants of one namespace, or of all; "nobody" marks a closed one without grants
  export extern "larder access list" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder access list color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    ns?: string               # The namespace
  ]

  def "nu-complete larder info color" [] {
    [ "auto" "always" "never" ]
  }

  # Show information about the store
  export extern "larder info" [
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder info color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
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

  # Monitor groups or namespaces live
  export extern "larder top" [
    --by: string@"nu-complete larder top by" # What a row is: a group or a namespace
    --sort: string@"nu-complete larder top sort" # Sort by a column, the largest first; names in byte order
    --interval: string        # Refresh every DUR
    --limit: string           # Show at most N rows
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder top color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
  ]

  def "nu-complete larder check color" [] {
    [ "auto" "always" "never" ]
  }

  # Check the store's integrity
  export extern "larder check" [
    --repair                  # Rebuild what can be derived, and print each repair
    --db: path                # The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]
    --namespace(-n): string   # Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder check color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
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
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder completions color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
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
    --must-exist              # Fail if the store does not exist, instead of creating it or finding nothing
    --json                    # Print JSON, one record per line
    --quiet(-q)               # Print no notes and no progress, only results and errors
    --color: string@"nu-complete larder man color" # Colour the output
    --busy-timeout: string    # Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]
    --help(-h)                # Print help
    dir?: path                # Write the pages here; created if its name has a slash
  ]

}

export use completions *
