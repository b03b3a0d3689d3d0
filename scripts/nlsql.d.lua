---@meta _
--- The engine's own modules, for editors: what `require "nlsql.catalog"` and the others give, with
--- every function, method, options table and result. Never run. A test compares it with the
--- bindings, in both directions; the library's own modules are annotated in scripts/nlsql/.
---
--- Errors, everywhere: a function that the world can fail gives nil, a sentence and a code; only a
--- caller's mistake raises. Times are in seconds unless a name ends in `_ms`, sizes in bytes. "Waits":
--- the job that calls is parked and the others run on; this raises inside a sort comparison, a gsub
--- callback or a metamethod.

--- The word for what went wrong.
---@alias nlsql.Code
---| "nomem"      # memory ran out
---| "invalid"    # what was given cannot be right
---| "io"         # a file, a pipe, a full disk
---| "config"     # the configuration, the command line, a template
---| "script"     # a phase or library script
---| "db"         # the database said no
---| "net"        # could not connect, or the connection broke
---| "model"      # the model's endpoint answered with an error
---| "timeout"    # a deadline passed
---| "limit"      # a size, depth or cost cap was met
---| "cancelled"  # somebody asked to stop
---| "busy"       # somebody else holds it
---| "not_found"  # no such file, table, schema
---| "budget"     # the money does not reach

--- Sixteen bytes: the hash of a text or a query.
---@alias nlsql.Key string

--- A table as SQL names it, quoted as needed: `orders`, `"Sales"."Order Lines"`.
---@alias nlsql.Reference string

--- A cell of a result: the server's text, or json.null for SQL's NULL.
---@alias nlsql.Cell string|userdata

--- --- nlsql.catalog: what introspection sees ------------------------------------------------------

---@class nlsql.lib.catalog
local catalog = {}

--- Reads the database's catalog. Waits. A schema that does not exist is "not_found", with those that
--- do; a pattern that matches no table is "config", with the nearest; a catalog without tables is no error.
---@param db nlsql.Db
---@param options nlsql.CatalogOptions?
---@return nlsql.Catalog?
---@return string? message
---@return nlsql.Code? code
---@return string? sqlstate
function catalog.load(db, options) end

--- A pattern names tables: `order*`, `Sales.*`, `log_20??`; ASCII letters match in either case, but
--- between double quotes every character stands for itself. Without a schema it is any that is read.
---@class nlsql.CatalogOptions
---@field schemas string[]?  nil: those of the search path
---@field include string[]?  patterns of the tables to read; nil or empty: all
---@field exclude string[]?  patterns of those to leave out: then they are nowhere

--- Can `include` and `exclude` have this pattern?
---@param text string
---@return true?
---@return string? message
---@return nlsql.Code? code "config"
function catalog.pattern(text) end

--- A rough count of the tokens of a text: for cutting prompts and forecasts.
---@param text string
---@return integer
function catalog.tokens(text) end

--- The identifier as SQL has to write it: quoted where case, characters or a keyword need it.
---@param name string
---@return string
function catalog.quote(name) end

--- A database's tables, as they were when it was loaded. Immutable, but for relations added by hand.
---@class nlsql.Catalog : userdata
local Catalog = {}

--- References of all tables, by schema and name.
---@return nlsql.Reference[]
function Catalog:names() end

--- Schemas that were read, in the search path's order.
---@return string[]
function Catalog:schemas() end

--- Schemas that hold tables and were not read.
---@return string[]
function Catalog:other_schemas() end

--- Tables left out, since we may not SELECT from any of their columns.
---@return string[]
function Catalog:denied() end

--- The server's version: "15.6" and 150006.
---@return string
---@return integer
function Catalog:version() end

--- The table that a person or a model means: quoted or not, with a schema or not, in any case. Nil
--- where there is none, or more than one.
---@param text string
---@return nlsql.Reference?
function Catalog:find(text) end

--- The table whose bare name is nearest to that of `text`; nil where none is near.
---@param text string
---@return nlsql.Reference?
function Catalog:nearest(text) end

--- What is known of one table, as a fresh Lua table; nil where there is none of that reference.
---@param ref nlsql.Reference
---@return nlsql.Table?
function Catalog:table(ref) end

--- The foreign keys between tables that were read.
---@return nlsql.Edge[]
function Catalog:edges() end

--- Adds a foreign key that the database does not declare. False where that key is there already;
--- "invalid" where a column does not exist. Raises for tables that there are not.
---@param from nlsql.Reference
---@param columns string[]
---@param to nlsql.Reference
---@param referred_columns string[]  as many
---@return boolean? fresh
---@return string? message
---@return nlsql.Code? code
function Catalog:relate(from, columns, to, referred_columns) end

--- The schema as text. Over max_tokens there go, one after the other: lesser constraints and row
--- counts; comments; columns that are in no key; whole tables from the end. Raises for a table that
--- there is not.
---@param options nlsql.RenderOptions
---@return string? text
---@return string? cut       a sentence that says what was left out, nil where nothing was; or the message
---@return integer|nlsql.Code? tokens  of the text, roughly; or the code
function Catalog:render(options) end

---@class nlsql.RenderOptions
---@field format "json"|"ddl"|"markdown"?  json where it is missing
---@field tables nlsql.Reference[]?        nil: all
---@field max_tokens integer?              nil or 0: no cap

---@class nlsql.Table
---@field schema string
---@field name string           as the catalog has it, unquoted
---@field reference nlsql.Reference
---@field kind "table"|"partitioned"|"view"|"materialised view"|"foreign"
---@field comment string?
---@field rows number           the server's estimate; -1: never analysed, or a view
---@field oid integer           of pg_class
---@field columns nlsql.Column[]   those that we may read, by position
---@field primary string[]?     columns of the primary key
---@field uniques string[][]    columns of each unique key
---@field foreign nlsql.ForeignKey[]
---@field checks nlsql.CheckConstraint[]

---@class nlsql.Column
---@field name string           as the catalog has it, unquoted
---@field type string           as written: "numeric(10,2)", "mood", "text[]"
---@field base_type string      of a domain: what it stands for; else the type
---@field category string       pg_type.typcategory of the base type: N number, S text, D date, B boolean, …
---@field number integer        pg_attribute.attnum
---@field comment string?
---@field label string?         SECURITY LABEL FOR anon, as it was given
---@field default string?       its expression
---@field not_null boolean
---@field identity boolean
---@field generated boolean
---@field null_fraction number? share of rows in which it is NULL; nil: not analysed
---@field distinct number?      as pg_stats.n_distinct: below 0, a fraction of the rows, negated; 0: unknown
---@field labels string[]?      of an enum, in order
---@field common string[]?      the most common values, as text; data: never for a prompt

---@class nlsql.CheckConstraint
---@field name string
---@field expression string     "CHECK ((price > 0))"

---@class nlsql.ForeignKey
---@field name string
---@field declared boolean              false: somebody wrote it by hand (relations: in the configuration)
---@field columns string[]
---@field referred_columns string[]     as many, in the same order
---@field referred nlsql.Reference?     nil where that table was not read

---@class nlsql.Edge : nlsql.ForeignKey
---@field from nlsql.Reference
---@field to nlsql.Reference

--- --- nlsql.cluster: throw-away PostgreSQL clusters (trusted scripts only) ------------------------

---@class nlsql.lib.cluster
local cluster = {}

--- Starts a private server on a unix socket; it ends with the handle or the process. Blocks.
---@param options nlsql.ClusterOptions
---@return nlsql.Cluster?
---@return string? message
---@return nlsql.Code? code
function cluster.start(options) end

--- Starts the one that holds the demo database. Blocks.
---@return nlsql.Cluster?
---@return string? message
---@return nlsql.Code? code
function cluster.demo() end

---@class nlsql.ClusterOptions
---@field bin string?        folder of initdb and postgres; nil: looked for
---@field settings string[]? "name=value" for the server, at most 32
---@field database string?   there from the start, made from `files` and kept for the next start
---@field files string[]?    SQL files, at most 32

---@class nlsql.Cluster : userdata
local Cluster = {}

--- Ends the server and takes its files away. May be called again.
function Cluster:stop() end

--- The address of a database; by default of the one that was there from the start, or "postgres".
---@param database string?
---@return string
function Cluster:url(database) end

--- Makes a database from SQL files. Blocks.
---@param name string
---@param files string[]?
---@return true?
---@return string? message
---@return nlsql.Code? code
function Cluster:create(name, files) end

--- The folder of its socket.
---@return string
function Cluster:socket_dir() end

--- The folder of its programs.
---@return string
function Cluster:bin() end

--- --- nlsql.console: what the user sees -----------------------------------------------------------

---@class nlsql.lib.console
local console = {}

--- Writes to standard output, as it is.
---@param ... string
function console.out(...) end

--- What `out` was given reaches the reader now, where standard output is a pipe too.
function console.flush() end

--- A line in the log, shown with --verbose.
---@param text string
function console.debug(text) end

--- A line in the log.
---@param text string
function console.info(text) end

--- A warning in the log.
---@param text string
function console.warn(text) end

--- An error in the log. Ends nothing.
---@param text string
function console.error(text) end

--- A line that a phase has for the log. So many are logged, each up to so many bytes; that the rest is left out is
--- said once.
---@param text string
function console.say(text) end

--- Sets the live block below the log; "" takes it away.
---@param lines string
function console.block(lines) end

--- Is there a terminal that shows a live block?
---@return boolean
function console.is_live() end

--- Columns of the terminal; 80 where that is unknown.
---@return integer
function console.width() end

--- The text without the keys and passwords that the engine knows of.
---@param text string
---@return string
function console.redact(text) end

--- --- nlsql.correlate: columns of one table that have to do with each other -----------------------

---@class nlsql.lib.correlate
local correlate = {}

--- Measures every pair of a table's columns, over all of its rows or a sample of them. Waits.
---
--- Numbers are integers, numeric, floating point and money, dates and times; categories are text, enums,
--- booleans, uuids and network addresses. Each measure is taken over the rows where both columns have a
--- value (NaN and infinities are none) and is nil where it is not defined: a constant column, fewer than
--- two rows. The same seed takes the same sample as long as the server sends the same rows in the same
--- order.
---@param schema nlsql.Catalog
---@param ref nlsql.Reference
---@param options nlsql.CorrelateOptions?
---@return nlsql.Correlations?
---@return string? message
---@return nlsql.Code? code
---@return string? sqlstate
function correlate.correlations(schema, ref, options) end

---@class nlsql.CorrelateOptions
---@field db nlsql.Db?                that asks; nil: a connection to the engine's own database
---@field columns string[]?           only these
---@field rows integer?               that are kept of a larger table (100,000)
---@field full_rows number?           tables estimated to have more are read by a page sample (1,000,000)
---@field seed integer?               of the sample (1)
---@field max_columns integer?        columns behind these are left out (100)
---@field max_categories integer?     distinct values of a category (200)
---@field bins integer?               at most, of a number, for mutual_information (16)
---@field max_error number?           of the dependencies that are told (0.05)
---@field memory_mb integer?          at most, for the rows and the arithmetic (256)
---@field statement_timeout number?   seconds (60)
---@field lock_timeout number?        seconds (1)

---@class nlsql.Correlations
---@field rows integer                            that were measured
---@field sampled number?                         share of the table's rows that they are; nil: all
---@field columns nlsql.CorrelatedColumn[]        in the table's order, or that of options.columns
---@field skipped { column: string, reason: string }[]  left out, or of which only dependencies are told
---@field pairs nlsql.CorrelatedPair[]
---@field dependencies nlsql.Dependency[]

---@class nlsql.CorrelatedColumn
---@field column string
---@field measure "number"|"category"|"equality"  equality: too many values for a category
---@field nulls integer     rows without a value
---@field distinct integer  values
---@field bins integer?     of a number: the intervals of equal frequency that it is cut into, fewer with few rows
---                         or values; a value goes where the middle of its rows falls, so some may be empty

---@class nlsql.CorrelatedPair
---@field a string
---@field b string
---@field n integer                    rows where both have a value
---@field pearson number?              r, -1 to 1, of two numbers
---@field spearman number?             ρ, -1 to 1, of two numbers; equal values share their mean rank
---@field cramers_v number?            V, 0 to 1, of two categories, with Bergsma's correction of its bias
---@field correlation_ratio number?    η, 0 to 1, of a category and a number
---@field mutual_information number?   nats, of the frequencies; numbers by their bins

--- That the rows' value of `from` determines that of `to`, but for a share of them. Told where the error
--- is at most max_error and below the baseline, where `from` is no key, and `to` no constant.
---@class nlsql.Dependency
---@field from string
---@field to string
---@field n integer         rows where both have a value
---@field error number      g3, 0 to 1: the least share of them to remove so that it holds
---@field baseline number   the error that knowing nothing would have: all rows but those with the commonest value of `to`
---@field repeated integer  rows whose value of `from` comes up more than once: the evidence

--- --- nlsql.files: the files that scripts may read ------------------------------------------------

---@class nlsql.lib.files
local files = {}

---@alias nlsql.FileKind "phases"|"prompts"|"scripts"

--- Path of a file: the project's own first, then the shipped one; nil where there is neither.
---@param kind nlsql.FileKind
---@param name string  without folders above it
---@return string?
function files.find(kind, name) end

--- A file below the project's folder or the shipped one, or the state's own phase; hidden files are
--- not for scripts.
---@param path string
---@return string?
---@return string? message
---@return nlsql.Code? code
function files.read(path) end

--- A Lua file that `read` would read, as a function that runs in this state's environment.
---@param path string
---@param shown string?  what messages call it; nil: the path
---@return function?
---@return string? message  with file and line
---@return nlsql.Code? code
function files.load(path, shown) end

--- The same for the file of a phase, which runs as a guest: see engine/script/vm.h. A trusted script
--- may name any file.
---@param path string
---@param shown string?  what messages call it; nil: the path
---@return function?
---@return string? message  with file and line
---@return nlsql.Code? code
function files.phase(path, shown) end

--- Makes the next `require` of each module of scripts/ read its file again; gives their number. What
--- a script holds of a module already stays as it is.
---@return integer
function files.forget() end

--- File names of a kind, the project's own and the shipped ones, each once.
---@param kind nlsql.FileKind
---@return string[]
function files.list(kind) end

--- --- nlsql.http: requests ------------------------------------------------------------------------

---@class nlsql.lib.http
local http = {}

--- Sends one request and gives its reply, failed ones too. Waits. nil, message, code only where it
--- could not be started (a bad URL, plain http to another machine).
---@param request nlsql.HttpRequest
---@return nlsql.HttpReply?
---@return string? message
---@return nlsql.Code? code
function http.request(request) end

--- The value of a header, by its name in any case.
---@param reply nlsql.HttpReply
---@param name string
---@return string?
function http.header(reply, name) end

--- Is the URL's host this machine?
---@param url string
---@return boolean
function http.is_loopback(url) end

--- Keeps a text about an address for as long as the engine's run lasts, in place of an earlier one: what
--- one phase learnt about an endpoint serves the next. nil, message, code where it is longer than 64 KiB,
--- or 64 addresses have one already.
---@param url string
---@param text string
---@return true?
---@return string? message
---@return nlsql.Code? code
function http.remember(url, text) end

--- The text that was kept about an address.
---@param url string
---@return string?
function http.remembered(url) end

---@class nlsql.HttpRequest
---@field url string
---@field method string?      nil: POST with a body, GET without
---@field headers table<string, string>?  the endpoint's key is added by the engine
---@field body string?
---@field connect number?     seconds; nil: 10
---@field idle number?        seconds without a byte either way; nil: 120
---@field total number?       seconds; nil: 600
---@field max_reply number?   bytes of body; nil: 16 MiB

---@class nlsql.HttpReply
---@field status integer      0 where no status line arrived
---@field body string         what arrived, also where `error` is set
---@field headers string      "name: value\n" each, names in lower case
---@field seconds number
---@field sent boolean        it may have reached the server, and been paid for
---@field retry_after number? seconds that the server asks for
---@field error string?       nil: the whole reply came
---@field code nlsql.Code?    beside `error`: "net", "timeout" or "limit"

--- --- nlsql.job: coroutines that wait for the loop (nlsql.jobs is made of these) ------------------

---@class nlsql.lib.job
local job = {}

--- Runs f(...) as a job of its own, a child of this one: it ends with its parent.
---@param f function
---@param ... any
---@return nlsql.Job
function job.spawn(f, ...) end

--- The job that calls.
---@return nlsql.Job
function job.current() end

--- Waits until somebody calls unpark on this job; one that came first counts.
function job.park() end

--- Waits.
---@param seconds number  0 to 1,000,000
function job.sleep(seconds) end

--- Monotonic seconds, as of the start of this turn of the loop.
---@return number
function job.now() end

--- 0; 1 where the user asked to stop (start nothing new); 2 where it is to be at once.
---@return integer
function job.stopping() end

--- Seconds since the engine was opened.
---@return number
function job.uptime() end

--- Runs f(...) as a guest's job: it and its children together take so much processor time only, a part
--- of the memory is not theirs, and after `seconds` (0: never) it is over. Not for phases.
---@param cpu_seconds number
---@param seconds number
---@param f function
---@param ... any
---@return nlsql.Job
function job.guest(cpu_seconds, seconds, f, ...) end

--- Runs f(...) as a child of that job, on its terms. Not for phases.
---@param parent nlsql.Job
---@param f function
---@param ... any
---@return nlsql.Job
function job.under(parent, f, ...) end

---@class nlsql.Job : userdata
local Job = {}

--- Waits until the job has ended. Gives true and what its function returned; false and the error, or
--- "cancelled".
---@return boolean ended
---@return any ...
function Job:wait() end

--- Ends it and its children; what it waited for is cancelled.
function Job:cancel() end

---@return "ready"|"running"|"parked"|"ended"|"failed"|"cancelled"
function Job:state() end

--- Lets it go on from job.park.
function Job:unpark() end

--- --- nlsql.journal: lines of the logs ------------------------------------------------------------

---@class nlsql.lib.journal
local journal = {}

--- Queues a line of logs/NAME in the project's folder; it is written soon, whole, without secrets. That
--- the disk takes none is no error here. "not_found" where there are no logs.
---@param name string  letters, digits, "-", "_" and "."
---@param line string  without newline and NUL
---@return true?
---@return string? message
---@return nlsql.Code? code
function journal.append(name, line) end

--- --- nlsql.json: exact JSON ----------------------------------------------------------------------

---@class nlsql.lib.json
---@field null userdata  JSON's null and SQL's NULL: a value, so that it can stand in tables
local json = {}

--- Reads one value. Whole numbers are integers; a number that no Lua number holds keeps its text (see
--- json.number); lists are marked, so that an empty one stays one.
---@param text string
---@return any
---@return string? message
---@return nlsql.Code? code
function json.decode(text) end

--- Writes a value: members sorted by name, those of `keys` first (of the outermost object).
---@param value any
---@param options { keys: string[]? }?
---@return string?
---@return string? message  with the place: "cannot encode rows[3].name: …"
---@return nlsql.Code? code
function json.encode(value, options) end

--- Marks a table as a list, so that it encodes as one when empty, and returns it.
---@generic T : table
---@param t T
---@return T
function json.array(t) end

--- Is it a table marked as a list?
---@param t any
---@return boolean
function json.is_array(t) end

--- A number that encodes as it is written, digit for digit; tostring gives its text.
---@param text string
---@return table
function json.number(text) end

--- An object or list, on one line, that encodes as it is written. Raises for what is no JSON.
---@param text string
---@return table
function json.verbatim(text) end

--- A copy of the data in a value: texts, numbers, booleans, the marks and json.null, and tables of them keyed by the
--- first three; whatever else there is (functions, metatables) is left out. Nothing of the value's own runs. Raises
--- where tables are nested deeper than 100, or hold more than 2,000,000 values.
---@param value any
---@return any
function json.copy(value) end

--- Folds the event stream of a chat completion, whole or broken off, into the JSON of the completion.
---@param body string
---@return string? completion
---@return nlsql.FoldReport|string? report  or the message
---@return nlsql.Code? code
function json.fold(body) end

---@class nlsql.FoldReport
---@field done boolean     "[DONE]" was seen, or every choice had a finish_reason
---@field events integer   data events read
---@field garbled integer  data events that were no JSON object, passed over

--- --- nlsql.pg: the database ----------------------------------------------------------------------

---@class nlsql.lib.pg
local pg = {}

--- A pool of connections. Does not connect yet.
---@param url string?  nil: the engine's own database
---@param options { sessions: integer?, connect_timeout: number? }?  most connections at once (8); seconds (10)
---@return nlsql.Db?
---@return string? message
---@return nlsql.Code? code
function pg.open(url, options) end

---@class nlsql.Db : userdata
local Db = {}

--- Runs one fixed statement in a READ ONLY transaction that is rolled back. Waits.
---@param sql string
---@param params any[]?  texts or numbers for $1, $2, …; json.null is SQL's NULL; at most 32
---@param limits nlsql.QueryLimits?
---@return nlsql.QueryResult?
---@return string? message
---@return nlsql.Code? code
---@return string? sqlstate
function Db:query(sql, params, limits) end

--- Tries a query that somebody else wrote: EXPLAIN, then, under the cost cap, runs it through a
--- cursor. Waits. Failures are in the result, with the stage at which they happened; nil, message,
--- code only where it could not be started.
---@param sql string  without a final semicolon
---@param options nlsql.ProbeOptions?
---@return nlsql.Probe?
---@return string? message
---@return nlsql.Code? code
function Db:probe(sql, options) end

--- "postgresql://app@db.example:5432/shop": no password.
---@return string
function Db:name() end

---@return nlsql.PoolStats
function Db:stats() end

--- Closes the connections. Raises while requests are under way. May be called again.
function Db:close() end

---@class nlsql.QueryLimits
---@field statement_timeout number?  seconds; nil: 10
---@field lock_timeout number?       seconds; nil: 1
---@field deadline number?           seconds on this side; nil: statement_timeout and 5 more
---@field max_rows integer?          rows kept; nil: 1,000 for a probe, all of a query
---@field max_bytes integer?         of one reply's data; nil: 16 MiB
---@field max_field integer?         bytes; longer values are cut at a character's edge; nil: no cap
---@field work_mem integer?          kB; lowers the server's work_mem to it; nil: as it is
---@field temp_files integer?        kB; lowers temp_file_limit to it where the role may; nil: as it is

---@class nlsql.ProbeOptions : nlsql.QueryLimits
---@field max_cost number?   plans above it are refused; nil: none
---@field max_plan_rows number?  plans of which any step expects more rows are refused; nil: none
---@field execute boolean?   false: stop after the plan
---@field rows boolean?      true: give the rows too

--- False: the column is an expression's.
---@alias nlsql.OriginOrNone nlsql.Origin|boolean

--- The column of a relation (of the view, where that was asked).
---@class nlsql.Origin
---@field oid integer     of pg_class
---@field number integer  pg_attribute.attnum

---@class nlsql.QueryResult
---@field columns string[]       names
---@field types integer[]        OIDs of the columns' types
---@field origins nlsql.OriginOrNone[]  where each column comes from
---@field rows nlsql.Cell[][]
---@field more boolean           there were more rows than max_rows

---@class nlsql.Probe
---@field stage "connect"|"explain"|"cost"|"execute"|"done"  how far it came; "done": all went well
---@field error string?     the server's words, or the engine's
---@field code nlsql.Code?  beside `error`; "net": lost, not the query's fault
---@field sqlstate string?
---@field detail string?
---@field hint string?
---@field position integer? character in the query that the error points at, from 1
---@field cost number       of the plan
---@field plan_rows number  as the planner guesses
---@field most_rows number  the largest number of rows that a step of the plan expects
---@field plan string       EXPLAIN's JSON; "" where it did not come to that
---@field explain_ms number
---@field execute_ms number
---@field n_rows integer    rows kept
---@field more boolean      there were more rows than max_rows
---@field all_null boolean  no cell holds anything but NULL
---@field columns string[]  names
---@field types integer[]?  OIDs of the columns' types, beside `rows`
---@field origins nlsql.OriginOrNone[]?  beside `rows`, as of nlsql.QueryResult
---@field rows nlsql.Cell[][]?  where `rows` asked for them

---@class nlsql.PoolStats
---@field open integer      connections
---@field busy integer
---@field waiting integer   requests without a connection yet
---@field connects integer  so far, as those below
---@field queries integer
---@field probes integer
---@field retired integer   connections that showed something odd

--- --- nlsql.proc: child processes (trusted scripts only) ------------------------------------------

---@class nlsql.lib.proc
local proc = {}

--- Starts a process. One that is closed or collected is killed.
---@param options nlsql.StartOptions
---@return nlsql.Process?
---@return string? message
---@return nlsql.Code? code
function proc.start(options) end

--- Runs a process to its end; gives its status and both its streams. Waits.
---@param options nlsql.ProcOptions
---@return integer? status  exit code, or 128 and the signal's number
---@return string? output   or the message
---@return nlsql.Code? code
function proc.run(options) end

---@class nlsql.ProcOptions
---@field argv string[]
---@field env table<string, string>?  added to this process's own
---@field cwd string?
---@field stdin string?   path; nil: /dev/null

---@class nlsql.StartOptions : nlsql.ProcOptions
---@field stdout string?  "pipe" (the default: see read_line), "inherit", "null", or a path
---@field stderr string?  "inherit" (the default), "null", "stdout", or a path

---@class nlsql.Process : userdata
local Process = {}

---@return integer
function Process:pid() end

--- The next line of its output. Waits. "not_found" at the end of the output.
---@param seconds number?  nil: for ever
---@return string?
---@return string? message
---@return nlsql.Code? code
function Process:read_line(seconds) end

--- Waits for its end.
---@param seconds number?  nil: for ever
---@return integer? status  exit code, or 128 and the signal's number
---@return string? message
---@return nlsql.Code? code
function Process:wait(seconds) end

--- Sends a signal; one to a process that has ended is no error.
---@param signal string|integer?  "TERM" where it is missing
---@return true?
---@return string? message
---@return nlsql.Code? code
function Process:kill(signal) end

--- Kills it where it still runs. Raises while a job waits for it. May be called again.
function Process:close() end

--- --- nlsql.protect: values that must not leave -----------------------------------------------------

---@class nlsql.lib.protect
local protect = {}

--- An empty set of protected values; # gives their number.
---@return nlsql.ProtectedSet
function protect.set() end

---@class nlsql.ProtectedSet : userdata
---@operator len: integer
local ProtectedSet = {}

--- Adds a value. False where it is not worth looking for: fewer than six bytes, a round number, a number
--- with a point of fewer than six digits, the first day of a month.
---@param value string
---@return boolean kept
function ProtectedSet:add(value) end

--- A text that everybody may see (the schema, a template): values that occur in it, or are one of its
--- words in any letter case, are found nowhere any more.
---@param text string
function ProtectedSet:exempt(text) end

--- A value that occurs in the text as a word of its own, byte for byte, or escaped as in JSON or SQL; of one of
--- 48 bytes or more, 47 in a row are enough.
---@param text string
---@return string? value
---@return string? found  the bytes of it that occur: all, or a piece of a long one
function ProtectedSet:find(text) end

--- --- nlsql.sql: what a statement says ------------------------------------------------------------

---@class nlsql.lib.sql
local sql = {}

--- Reads one statement, as PostgreSQL does.
---@param text string  at most 16 kB
---@return nlsql.Statement?
---@return string? message
---@return nlsql.Code? code
function sql.parse(text) end

--- Of a text that parse cannot read: what in it the server's newer grammar may know, as a sentence.
---@param text string
---@param catalog nlsql.Catalog
---@return string?
function sql.newer(text, catalog) end

--- A parsed statement holds some 50 kB that Lua's collector does not see: say `local s <close>`.
---@class nlsql.Statement : userdata
local Statement = {}

--- Its text, less the final semicolon.
---@return string
function Statement:text() end

--- May it be sent to the database? One SELECT, nothing below it that writes, locks, sleeps or reads
--- outside the tables; nor do the views, domains, casts, operators and policies that it sets off.
---@param catalog nlsql.Catalog
---@param policy nlsql.SafePolicy?
---@return true?
---@return string? reason  "function pg_sleep is not allowed"
---@return nlsql.Code? code
function Statement:safe(catalog, policy) end

--- Its texts and numbers, in their order, and what each is compared with.
---@param catalog nlsql.Catalog?  nil: columns are not looked up
---@return nlsql.Literal[]?
---@return string? message
---@return nlsql.Code? code
function Statement:literals(catalog) end

--- The text with `values[i]` in the place of the i-th of its literals, quoted as it must be; nil and false leave one
--- as it is. Parsed again, what comes of it has the same literals but for those.
---@param values (string|false|nil)[]
---@return string?
---@return string? message
---@return nlsql.Code? code
function Statement:with(values) end

--- What is allowed besides.
---@class nlsql.SafePolicy
---@field functions string[]?        "f" as it is called, or "schema.f"; what calls them is allowed with them
---@field system_catalogs boolean?   relations of pg_catalog and information_schema
---@field foreign_tables boolean?    tables that reach outside the database
---@field newer_grammar ("refuse"|"server")?  "server": what only its newer grammar knows is left to it

--- Two queries of the same first key are the same, however spelt; of the same second one they differ
--- in literals at most.
---@return nlsql.Key exact
---@return nlsql.Key masked
function Statement:keys() end

--- What it is about.
---@param catalog nlsql.Catalog
---@param references nlsql.Reference[]?  the tables that it may use; nil: all
---@return nlsql.Facts?
---@return string? message
---@return nlsql.Code? code
function Statement:facts(catalog, references) end

--- Frees the tree. May be called again.
function Statement:close() end

---@class nlsql.Facts
---@field tables nlsql.Reference[]  in order of first mention
---@field columns string[]      "reference.column", those behind * included
---@field functions string[]    lower-case names; COALESCE, EXTRACT and their like by those names
---@field literals string[]     as SQL text without quotes
---@field constructs string[]   of join, left_join, self_join, subquery, correlated, exists, cte, recursive_cte,
---                             set_operation, aggregate, group_by, having, window, distinct, order_by, limit, …
---@field unknown string[]      sentences about what does not exist, or is not among those given
---@field ambiguous string?     a sentence about the first ambiguous column
---@field joined integer        most tables joined at one level, self-joins counted
---@field output_columns integer  0 where unknown
---@field ordered boolean       ORDER BY at the top level

---@class nlsql.Literal
---@field text string       without quotes, escapes undone
---@field number boolean
---@field op string?        "=", "in", "like", "between", "any", … or the function that it is an argument of
---@field folded string?    "lower", "upper", …: what the other side goes through
---@field table string?     the base table of the column on the other side
---@field column string?

--- --- nlsql.stats: statistics of live columns ------------------------------------------------------

---@class nlsql.lib.stats
local stats = {}

--- Reads every table once, in one snapshot, over a few connections of its own, and tells of each column
--- what is in it, and of all pairs of columns of one family which share of the one's distinct values
--- the other has. Waits. What cannot be read is in `skipped`; nil, message, code only where the whole
--- scan failed: "net", "db", "io" (the disk is full), "nomem", "cancelled" (the engine was asked to stop).
---@param schema nlsql.Catalog
---@param options nlsql.ScanOptions?
---@return nlsql.Scan?
---@return string? message
---@return nlsql.Code? code
---@return string? sqlstate
function stats.scan(schema, options) end

--- Inclusion of tuples, exactly: do those of `columns` occur among those of `referred`? Tuples with a
--- NULL are left out. Waits. One answer for each wish, in their order.
---@param schema nlsql.Catalog
---@param wishes nlsql.TupleWish[]
---@param options nlsql.ScanOptions?  db, connections, memory_mb, exact_rows, timeouts, seed
---@return nlsql.Inclusion[]?
---@return string? message
---@return nlsql.Code? code
---@return string? sqlstate
function stats.tuples(schema, wishes, options) end

--- With `sketch`, distinct values are counted by HyperLogLog and overlaps estimated from the least
--- hashes: a scan that takes little memory, with figures that have an error.
---@class nlsql.ScanOptions
---@field db nlsql.Db?                  where to connect; nil: the engine's own database
---@field tables nlsql.Reference[]?     nil: all but views and foreign tables
---@field connections integer?          1 to 16; nil: 2. One more is open to hold the snapshot
---@field memory_mb number?             cap, 16 at least; nil: 512. What does not fit goes to TMPDIR
---@field exact_rows number?            tables of more rows (as estimated) are read by a page sample; nil: 5,000,000
---@field min_containment number?       overlaps below it are left out; nil: 0.5
---@field max_overlaps integer?         nil: 250,000; parents that could be a key are kept first, then by containment
---@field fair boolean?                 true: above max_overlaps each child keeps its best ones, in turn
---@field statement_timeout number?     seconds for each table; nil: none
---@field lock_timeout number?          seconds; nil: 1
---@field seed integer?                 of the page samples; nil: 1
---@field sketch integer?               so many least hashes of each column are kept (KMV); nil: all, and exact
---@field values boolean?               true: the most common values too

---@class nlsql.Scan
---@field columns nlsql.ColumnStatistics[]
---@field overlaps nlsql.Overlap[]      by child, then parent
---@field skipped { table: nlsql.Reference, column: string?, reason: string }[]  without column: the whole table
---@field left_out integer?             overlaps above max_overlaps
---@field seconds number
---@field rows integer                  read, of all tables
---@field spilled integer               bytes written to temporary files, which are gone
---@field passes integer                ranges of columns whose pairs were counted by themselves, for want of memory; 1: all
---@field snapshot string               the server's name for it

--- Columns of one family are compared with each other. An enum's is "enum " and its name.
---@alias nlsql.Family "number"|"text"|"citext"|"date"|"timestamp"|"timestamptz"|"time"|"uuid"|"boolean"|string

--- One of the values that are surely more common than any that is not told. It occurs count to count +
--- missed times.
---@class nlsql.CommonValue
---@field value string
---@field count integer
---@field missed integer?      nil: 0
---@field cut boolean?         true: the value is longer than these 128 bytes

--- `min` and `max` have dates in ISO form, times in UTC, and at most 256 bytes; texts and enums are
--- compared by their bytes, as COLLATE "C" does.
---@class nlsql.ColumnStatistics
---@field table nlsql.Reference
---@field column string        as the catalog has it, unquoted
---@field family nlsql.Family
---@field rows integer
---@field nulls integer
---@field distinct integer     of those that are not NULL; of a sample: of the rows read
---@field exact boolean        false: `distinct` is an estimate, or of a sample
---@field error number         relative standard error of the estimate; 0: none
---@field min string?          as PostgreSQL writes it; nil: all are NULL, or the type has no order
---@field max string?
---@field common nlsql.CommonValue[]  the most common first, 10 at most; empty unless `values` asks for them
---@field width number         mean bytes of a value as the server sends it in binary; 0: all are NULL
---@field unique boolean       no value twice among those that are not NULL
---@field increasing boolean   in physical order no value is less than the one before, and the last is above the first
---@field sampled number?      share of the pages read; nil: all

--- Of sketches, or where a column is sampled, all figures are estimates.
---@class nlsql.Overlap
---@field child integer        index into `columns`
---@field parent integer       index into `columns`
---@field common integer       distinct values that both have
---@field orphans integer      distinct values of the child that the parent has not
---@field containment number   common / distinct values of the child
---@field jaccard number       common / distinct values of either
---@field error number?        standard error of the containment; nil: exact

---@class nlsql.TupleWish
---@field from nlsql.Reference
---@field columns string[]     as many as `referred`, at most 32
---@field to nlsql.Reference
---@field referred string[]

---@class nlsql.Inclusion
---@field reason string?       why there is no answer; then all else is nil
---@field rows integer         of the child, without those with a NULL in the tuple
---@field distinct integer     tuples of the child
---@field common integer       of those, how many the parent has
---@field orphans integer      and has not
---@field containment number   common / distinct; 0 where there are none
---@field unique boolean       no tuple twice among the parent's
---@field sampled number?      the lesser share of the pages read of either table; nil: all

--- --- nlsql.store: the run store ------------------------------------------------------------------

--- Money is in whole nano-dollars.
---@class nlsql.lib.store
local store = {}

--- Opens or makes a store. Blocks. "busy" where another process holds it.
---@param path string
---@return nlsql.Store?
---@return string? message
---@return nlsql.Code? code
function store.open(path) end

--- A store that goes with its closing: for a run that keeps nothing but its dataset, which is made anew.
--- Blocks.
---@return nlsql.Store?
---@return string? message
---@return nlsql.Code? code
function store.scratch() end

--- Opens a store to look at, which another process may be writing. Blocks. "not_found" where there is none.
---@param path string
---@return nlsql.StoreView?
---@return string? message
---@return nlsql.Code? code
function store.view(path) end

---@class nlsql.StoreView : userdata
local StoreView = {}

--- Its runs, the oldest first.
---@param archived boolean?  those put away by --fresh, too
---@return fun(): nlsql.RunRow?
function StoreView:runs(archived) end

--- What happened in a run, in order of time.
---@param run integer
---@param marks table<string, integer>?  the last `id` seen, by `kind`
---@return fun(): nlsql.RunEvent?
function StoreView:events(run, marks) end

--- The process that has the store open to write; nil: none; 0: it is not known which.
---@return integer? pid
function StoreView:holder() end

--- Over all runs; `reserved` may be of a process that was killed.
---@return integer spent
---@return integer reserved
function StoreView:ledger() end

--- A recorded reply of a run, as Run:recall gives it.
---@param run integer
---@param key nlsql.Key
---@param sample integer
---@return string?
function StoreView:reply(run, key, sample) end

--- The secret of a run's stand-ins: 32 bytes, not to be shown; nil where it has none.
---@param run integer
---@return string?
function StoreView:secret(run) end

--- Compares a file with the lines of a run's entries: how many agree from the first on, how many there
--- should be, how many there are.
---@param run integer
---@param path string
---@return integer? same
---@return integer|string entries  or the message
---@return integer|nlsql.Code lines  or the code
function StoreView:compare(run, path) end

--- May be called again.
function StoreView:close() end

---@class nlsql.RunRow
---@field id integer
---@field phase string
---@field version string    "" where none was given
---@field source string?    what its pairs are of
---@field dataset string    "" where it writes none
---@field config string?    what Run:note last put down
---@field started integer   Unix milliseconds, as all times
---@field archived integer?
---@field opened integer?   the last time
---@field pid integer?      by this process
---@field ended integer?    nil: that is running, or was killed
---@field outcome string?
---@field changed string?   the last words of Run:note
---@field items integer
---@field items_done integer
---@field entries integer
---@field rejections integer  not taken up again
---@field calls integer
---@field failed integer      of the calls
---@field cost integer

---@class nlsql.RunEvent
---@field kind "opening"|"call"|"rejection"|"entry"
---@field id integer
---@field at integer?
---@field item string?
---@field turn integer?
---@field candidate integer?
---@field purpose string?
---@field model string?
---@field outcome string?
---@field kept integer?     1: the reply is served again
---@field sample integer?
---@field tokens_in integer?
---@field tokens_out integer?
---@field cost integer?
---@field seconds number?
---@field gate string?
---@field reason string?    of an opening: what changed
---@field question string?
---@field sql string?
---@field detail string?

---@class nlsql.Store : userdata
local Store = {}

--- Goes on with the run of a phase and version, or starts one, and brings its dataset file in line.
--- Blocks.
---@param options nlsql.RunOptions
---@return nlsql.Run?
---@return nlsql.RunInfo|string? info  or the message
---@return nlsql.Code? code
function Store:run(options) end

--- The most that all runs may spend; nil: no limit.
---@param nano integer?
function Store:budget(nano) end

---@return integer spent
---@return integer reserved
function Store:ledger() end

--- Sets money aside. Waits until settlements make room; "budget" where none is outstanding.
---@param nano integer
---@return integer? reservation
---@return string? message
---@return nlsql.Code? code
function Store:reserve(nano) end

--- Settles a reservation that no call was recorded for.
---@param reservation integer
---@param cost integer?  nil: in full
---@return true?
---@return string? message
---@return nlsql.Code? code
function Store:settle(reservation, cost) end

--- To be closed: charges the reservation in full then, unless it was settled before.
---@param reservation integer
---@return userdata
function Store:hold(reservation) end

--- Waits until all that was submitted is durable.
---@return true?
---@return string? message
---@return nlsql.Code? code
function Store:flush() end

--- The first write error, if there was one; nothing is written after it.
---@return string? message
function Store:failed() end

--- Bytes submitted and not yet durable.
---@return integer
function Store:backlog() end

--- Waits for the disk, then closes; who still waits is told "cancelled". May be called again.
function Store:close() end

---@class nlsql.RunOptions
---@field phase string
---@field version string?      of --run-version
---@field fingerprint string   of phase, prompts, options and model: free text
---@field source string?       what the entries are of, in words; two sources never mix
---@field dataset string?      path of the JSONL file; nil: the run keeps calls, and writes no file
---@field fresh boolean?       archive what was there and start over
---@field age_ms integer?      since when the program runs: fresh runs of one process share a secret

---@class nlsql.RunInfo
---@field secret string        32 bytes: of the run's stand-ins, the same after a resume; not to be shown
---@field resumed boolean      there was something to go on with
---@field changed boolean      made under another fingerprint
---@field rewritten boolean    the dataset file did not match and was made again
---@field kept string          where what was there before is; "" where it was not needed
---@field torn integer         bytes of a torn tail that were cut
---@field items_done integer
---@field entries integer
---@field calls integer

--- One phase's run. Closing the store closes it.
---@class nlsql.Run : userdata
local Run = {}

--- What is known of an item; nil: nothing.
---@param key string
---@return nlsql.SavedItem?
function Run:item(key) end

--- The recorded reply to a request, by the request's key and the how-manieth answer to it.
---@param key nlsql.Key
---@param sample integer  from 1
---@return string?
function Run:recall(key, sample) end

--- Records a call and settles its reservation. Waits only while the disk is far behind.
---@param call nlsql.Call
---@return true?
---@return string? message
---@return nlsql.Code? code
function Run:record(call) end

--- Makes one turn of an item durable as a whole. Waits until it is, unless `wait` is false.
---@param turn nlsql.StoredTurn
---@return true?
---@return string? message
---@return nlsql.Code? code
function Run:commit(turn) end

--- For each accepted entry, in the order of their commits: the keys of its query, of the query without
--- literals, and of its question.
---@return fun(): nlsql.Key?, nlsql.Key?, nlsql.Key?
function Run:seen() end

--- Rejections of an item that were not taken up again, in their order.
---@param item string
---@return nlsql.RejectedBefore[]
function Run:rejected(item) end

--- What `note` last put down before this opening of the run; "" where there was nothing.
---@return string
function Run:before() end

--- Puts down what the run is made with, and in words what changed of it; nil leaves either as it is.
---@param config string?
---@param changed string?
---@return true?
---@return string? message
---@return nlsql.Code? code
function Run:note(config, changed) end

--- Notes how this opening of the run ended.
---@param outcome string
---@return true?
---@return string? message
---@return nlsql.Code? code
function Run:ended(outcome) end

--- May be called again.
function Run:close() end

---@class nlsql.RejectedBefore
---@field id integer
---@field turn integer
---@field candidate integer
---@field gate string
---@field reason string
---@field question string?
---@field sql string?
---@field detail string?   JSON

---@class nlsql.SavedItem
---@field done boolean
---@field turns integer
---@field accepted integer
---@field state string      what the item's last commit kept, JSON

---@class nlsql.Call
---@field key nlsql.Key     of the request
---@field sample integer?   1 where it is missing
---@field purpose string    "ask", "critic", "join_set", …
---@field item string?      its key
---@field model string
---@field request string?   JSON
---@field reply string?     JSON; nil for a failed call, which is never served again
---@field outcome string    "ok", "length", "refusal", "http_500", "timeout", …
---@field tokens_in integer?      -1 or nil: not reported
---@field tokens_out integer?
---@field tokens_cached integer?
---@field cost integer?           nano-dollars; below 0: all that was reserved
---@field reservation integer?    that it settles; 0 or nil: none
---@field seconds number?

---@class nlsql.StoredTurn
---@field item string       its key
---@field ordinal integer?  its place in the plan
---@field turn integer?     from 1; 0 or nil: no turn, only the state changes
---@field done boolean?
---@field state string?     JSON; nil: unchanged
---@field entries nlsql.StoredEntry[]?
---@field rejections nlsql.Rejection[]?
---@field retried integer[]? rejections of earlier turns that this one replaces, by their id
---@field wait boolean?     false: do not wait for the disk

---@class nlsql.StoredEntry
---@field line string       the dataset's row, JSON without a newline
---@field question string
---@field sql string
---@field facts string?     JSON
---@field sql_key nlsql.Key
---@field masked_key nlsql.Key
---@field question_key nlsql.Key

---@class nlsql.Rejection
---@field gate string
---@field reason string
---@field question string?
---@field sql string?
---@field detail string?       JSON
---@field candidate integer?   its place in the turn

--- --- nlsql.keyed: what only a holder of the secret can derive from a value ------------------------

---@class nlsql.lib.keyed
local keyed = {}

--- A new secret: 32 random bytes.
---@return string?
---@return string? message
---@return nlsql.Code? code
function keyed.secret() end

---@param secret string  32 bytes
---@return nlsql.Keyed?
---@return string? message
---@return nlsql.Code? code
function keyed.open(secret) end

---@class nlsql.Keyed : userdata
local Keyed = {}

--- Bytes that come of the secret, the domain and the value: the same each time, and unrelated to those
--- of another domain. Keyed BLAKE2b.
---@param domain string  200 bytes at most
---@param value string
---@param n integer?     1 to 64 (64)
---@return string
function Keyed:bytes(domain, value, n) end

--- The place of a number in a secret order of 0 … n-1: no two numbers share one.
---@param domain string
---@param i integer  below n
---@param n integer  1 to 2^62
---@return integer
function Keyed:permute(domain, i, n) end

--- The same, but no number keeps its place.
---@param domain string
---@param i integer  below n
---@param n integer  1 to 2^62
---@return integer
function Keyed:move(domain, i, n) end

--- Wipes the secret. May be called again.
function Keyed:close() end

--- --- nlsql.text: hashes, UTF-8, near names -------------------------------------------------------

---@class nlsql.lib.text
local text = {}

--- Hash of a text.
---@param text string
---@return nlsql.Key
function text.key(text) end

--- The same for questions that ask the same in the same words.
---@param text string
---@return nlsql.Key
function text.question_key(text) end

--- A key as 32 hexadecimal digits.
---@param key nlsql.Key
---@return string
function text.hex(key) end

--- An empty set of keys; # gives their number.
---@return nlsql.KeySet
function text.set() end

---@param text string
---@return boolean
function text.valid_utf8(text) end

--- The text with U+FFFD for each byte that is no part of a character.
---@param text string
---@return string
function text.clean_utf8(text) end

--- The name nearest to a word, at most a third of the word (but two letters) away.
---@param word string
---@param names string[]
---@return string?
function text.nearest(word, names) end

---@class nlsql.KeySet : userdata
---@operator len: integer
local KeySet = {}

--- Adds a key; false where it is in already.
---@param key nlsql.Key
---@return boolean fresh
function KeySet:add(key) end

---@param key nlsql.Key
---@return boolean
function KeySet:has(key) end

--- --- nlsql.watch: until a file is saved ------------------------------------------------------------

---@class nlsql.lib.watch
local watch = {}

--- Watches what a user edits: phases/, prompts/ and scripts/ of the project and as shipped, this
--- state's phase, and config.yaml.
---@param list string[]?  folders (with those below them) and files instead; trusted scripts only
---@return nlsql.Watch?
---@return string? message
---@return nlsql.Code? code
function watch.open(list) end

---@class nlsql.Watch : userdata
local Watch = {}

--- Paths of what changed since the last answer. Waits. "timeout" where nothing did, "cancelled" where
--- the user asked to stop.
---@param seconds number?  nil: for ever
---@return string[]?
---@return string? message
---@return nlsql.Code? code
function Watch:wait(seconds) end

--- Raises while a job waits for it. May be called again.
function Watch:close() end

--- --- nlsql.yaml: YAML with places ----------------------------------------------------------------

---@class nlsql.lib.yaml
local yaml = {}

--- Reads one document.
---@param text string
---@param name string  what complaints call it
---@return nlsql.YamlNode?
---@return string? message  "config.yaml:3:1: …"
---@return nlsql.Code? code
function yaml.read(text, name) end

---@class nlsql.YamlNode
---@field type "null"|"bool"|"int"|"float"|"string"|"list"|"map"
---@field line integer
---@field column integer
---@field value boolean|integer|number|string?  of scalars
---@field text string?      as written, of scalars
---@field items nlsql.YamlNode[]?  of lists and maps
---@field key string?       of a map's member, and where it stands
---@field key_line integer?
---@field key_column integer?
