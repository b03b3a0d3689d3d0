The script for people explains itself, and refuses what it does not know.

  $ "$SOURCE_DIR/dev" | head -n 1
  usage: ./dev COMMAND
  $ "$SOURCE_DIR/dev" tset 2>&1 >/dev/null | tail -n 1
  dev: no such command: tset
  $ "$SOURCE_DIR/dev" tset >/dev/null 2>&1
  [2]
