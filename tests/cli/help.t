What the program says about itself. Help goes to standard output; without a command it goes to
standard error, with the status of a usage error.

  $ nlsql --version
  nlsql [0-9]+\.[0-9]+\.[0-9]+ (re)

  $ nlsql --help 2>/dev/null | head -n 3
  nlsql turns a live PostgreSQL database into a verified dataset of questions and SQL.
  
  usage: nlsql COMMAND [options]

Every command that the help lists has a help of its own.

  $ for command in $(nlsql --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
  >   nlsql help $command | head -n 1
  > done
  usage: nlsql run [PHASE] [options]
  usage: nlsql try [PHASE] [options]
  usage: nlsql ask [QUESTION] [options]
  usage: nlsql new [phase NAME] [options]
  usage: nlsql schema [options]
  usage: nlsql relations [COLUMN] [options]
  usage: nlsql check [FILE] [options]
  usage: nlsql role [NAME] [options]
  usage: nlsql config [options]
  usage: nlsql runs [options]
  usage: nlsql log [RUN] [options]
  usage: nlsql phases [options]
  usage: nlsql lua .*FILE.* (re)

  $ nlsql run --help | head -n 1
  usage: nlsql run [PHASE] [options]
  $ nlsql gen --help | head -n 1
  usage: nlsql run [PHASE] [options]

  $ nlsql >/dev/null
  nlsql turns * (glob)
  
  usage: nlsql COMMAND [options]
  
    run       Makes a dataset: * (glob)
    try      * (glob)
    ask      * (glob)
    new      * (glob)
    schema   * (glob)
    relations * (glob)
    check    * (glob)
    role     * (glob)
    config   * (glob)
    runs     * (glob)
    log      * (glob)
    phases   * (glob)
    lua      * (glob)
  
  nlsql COMMAND --help tells more.
  [2]
