complete --keep-order --exclusive --command larder --arguments "(LARDER_COMPLETE=fish larder -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
