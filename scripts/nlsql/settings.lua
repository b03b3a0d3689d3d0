--- settings: the keys of config.yaml outside the phases' own, what each may be, and what it is
--- where nobody says.

local catalog = require "nlsql.catalog"
local classes = require "nlsql.anon.classes"
local handwritten = require "nlsql.handwritten"
local options = require "nlsql.options"
local patterns = require "nlsql.anon.config"
local profiles = require "nlsql.profiles"
local providers = require "nlsql.providers"

local settings = {}

local function is_url(s) return s:find("^https?://[^%s/]+") ~= nil and not s:find("%s") end
local function is_host(s) return s:find("^%[?[%w%-.:]+%]?$") ~= nil end
local function is_date(s) return s:find("^%d%d%d%d%-%d%d%-%d%d$") ~= nil end

local function is_version(s) return s:find("^[%w%-.]+$") ~= nil end

local TEXT, BOOLEAN = { type = "text" }, { type = "boolean" }
local TEXTS = { type = "list", of = TEXT }
local DATE = { type = "text", match = is_date, expected = "a date such as 2026-03-01" }
local DOLLARS = { type = "number", min = 0 }
local SECONDS = { type = "number", min = 0.001, max = 86400, expected = "seconds, a number above 0" }
local MEGABYTES, MOST_MEGABYTES = "megabytes, a whole number of 1 or more", 2097151 -- the server's are kB in an int
local ON_OFF = { type = "boolean", expected = "on or off" }

local PRICE = {
  type = "map", expected = "input and output in dollars per million tokens",
  keys = { input = DOLLARS, cached_input = DOLLARS, cache_write = DOLLARS, output = DOLLARS, as_of = DATE },
}

local NOTES = {
  either = { TEXT, { type = "map", of = TEXT } }, expected = "text, or a map of table to text",
}

--- Patterns of tables, whose complaint says which of its list it is: the place says that better.
local PATTERNS = { type = "list", of = { type = "text", check = function(pattern)
  local good, why = catalog.pattern(pattern)
  return good, why and why:gsub("^include%[1%]: ", "")
end } }

--- Which class each column has, by patterns of table.column.
local ANONYMISE = {
  type = "map", expected = "on, off, or a map of columns, amounts and dates",
  keys = {
    amounts = { type = "text", choices = { "jitter", "keep" } },
    dates = { type = "text", choices = { "shift", "keep" } },
    columns = { type = "map", expected = "a map of table.column to class", of = { type = "text", check = classes.find } },
  },
  check = function(value)
    for _, pattern in ipairs(options.keys_of(value.columns or {})) do
      local good, why = patterns.pattern(pattern)
      if not good then return nil, "columns: " .. why end
    end
    return value
  end,
}

local COLUMNS = { either = { TEXT, TEXTS }, expected = 'text such as "orders.customer_id", or a list of it' }

local RELATION = {
  either = { TEXT, { type = "map", keys = { from = COLUMNS, to = COLUMNS } } },
  expected = handwritten.EXPECTED, check = handwritten.read,
}

local EXAMPLE = {
  type = "map", expected = "a question and its sql", keys = { question = TEXT, sql = TEXT, tables = TEXTS },
  check = function(one)
    if one.question and one.sql then return one end
    return nil, "expected a question and its sql, found " .. (one.question and "no sql" or "no question")
  end,
}

local EXAMPLES = { type = "list", expected = "a list of pairs, each a question and its sql", of = EXAMPLE }

--- Keys of `gates:`; `part` is the table of the settings that each goes to.
settings.GATES = {
  allow_empty      = { part = "gates", type = "boolean" },
  allow_null       = { part = "gates", type = "boolean" },
  literal_variants = { part = "gates", type = "integer", min = 0 },
  statement_timeout = { part = "limits", type = "number", min = 0.001, max = 86400,
    expected = SECONDS.expected },
  lock_timeout     = { part = "limits", type = "number", min = 0.001, max = 86400,
    expected = SECONDS.expected },
  max_cost         = { part = "limits", type = "number", min = 0 },
  max_plan_rows    = { part = "limits", type = "number", min = 0 },
  max_rows         = { part = "limits", type = "integer", min = 1 },
  max_bytes        = { part = "limits", type = "integer", min = 1 },
  max_field        = { part = "limits", type = "integer", min = 1 },
  temp_files       = { part = "limits", type = "integer", min = 1, max = MOST_MEGABYTES, expected = MEGABYTES },
  work_mem         = { part = "limits", type = "integer", min = 1, max = MOST_MEGABYTES, expected = MEGABYTES },
  functions        = { part = "safe", type = "list", of = TEXT },
  system_catalogs  = { part = "safe", type = "boolean" },
  foreign_tables   = { part = "safe", type = "boolean" },
  newer_grammar    = { part = "safe", type = "text", choices = { "refuse", "server" } },
}

--- Keys of `offline:`, what the grammar is told.
settings.OFFLINE = {
  error_rate = { type = "number", min = 0, max = 1 },
  weights = { type = "map", of = { type = "number", min = 0 } },
}

--- Settings whose members are set one by one, and so override one by one.
settings.MEMBERS = { gates = settings.GATES, offline = settings.OFFLINE }

local CRITIC = {
  type = "map",
  keys = {
    enabled = BOOLEAN, openai_model = TEXT, prompt_template = TEXT,
    rounds = { type = "integer", min = 0, max = 10 },
    min_score = { type = "number", min = 0, max = 1 },
  },
}

---@type table<string, nlsql.Rule>
settings.RULES = {
  allow_insecure = BOOLEAN,
  anonymise = { either = { ON_OFF, ANONYMISE }, expected = "on, off, or a map of columns, amounts and dates" },
  api_version = { type = "text", match = is_version, expected = "a version such as 2024-10-21" },
  base_url = { type = "text", match = is_url, expected = "an http:// or https:// address" },
  budget_usd = { type = "number", min = 0 },
  connect_timeout = SECONDS,
  critic = { either = { BOOLEAN, CRITIC }, expected = "true, false, or keys and values" },
  db_concurrent_sessions = { type = "integer", min = 1 },
  discover = { type = "text", choices = { "auto", "on", "off" } },
  examples = EXAMPLES,
  gates = { type = "map", keys = settings.GATES },
  idle_timeout = SECONDS,
  language = TEXT,
  loopback_is_free = BOOLEAN,
  max_db_concurrent_limit_all = { type = "integer", min = 1 },
  max_parallel_requests = { type = "integer", min = 1 },
  max_reply_bytes = { type = "integer", min = 1024 },
  max_tokens = { type = "integer", min = 1 },
  notes = NOTES,
  offline = { type = "map", keys = settings.OFFLINE },
  openai_model = TEXT,
  parallelism = { type = "integer", min = 1 },
  phase_blocked = { type = "number", min = 0.1, max = 3600, expected = "seconds, a number from 0.1 to 3600" },
  phase_memory = { type = "integer", min = 16, expected = "megabytes, a whole number of 16 or more" },
  phase_slice = { type = "number", min = 0.05, max = 600, expected = "seconds, a number from 0.05 to 600" },
  prices = { type = "map", keys = { as_of = DATE }, of = PRICE },
  profile = { type = "text", choices = profiles.NAMES },
  provider = { type = "text", choices = providers.NAMES },
  require_readonly_role = BOOLEAN,
  raw_rows_to = { type = "text", match = is_host, expected = "the host of base_url, such as api.example.com" },
  relations = { type = "list", expected = "a list of relations, each " .. handwritten.EXPECTED, of = RELATION },
  requests_per_minute = { type = "integer", min = 1 },
  retries = { type = "integer", min = 0, max = 100 },
  retry_base = { type = "number", min = 0, max = 60 },
  schema_tokens = { type = "integer", min = 100 },
  schemas = TEXTS,
  seed = { type = "integer" },
  store = TEXT,
  stream = BOOLEAN,
  tables = { either = { PATTERNS, { type = "map", keys = { include = PATTERNS, exclude = PATTERNS } } },
    expected = "a list of patterns, or include: and exclude:" },
  temperature = { type = "number", min = 0, max = 2 },
  tokens_per_minute = { type = "integer", min = 1 },
  total_timeout = SECONDS,
}

--- Other spellings. The seed of this project wrote "cocurrent", and so do its users' files.
settings.ALIASES = {
  anonymize = "anonymise",
  db_cocurrent_session = "db_concurrent_sessions",
  db_cocurrent_sessions = "db_concurrent_sessions",
  db_concurrent_session = "db_concurrent_sessions",
}

--- Settings whose members name things of the database, which is known only later: the place of each
--- member is kept for the complaint.
settings.PLACED = { anonymise = true, examples = true, notes = true, relations = true, schemas = true, tables = true }

--- Settings that a phase or `defaults` may have too.
settings.IN_PHASES = {
  critic = true, examples = true, gates = true, language = true, max_tokens = true, notes = true,
  openai_model = true, parallelism = true, temperature = true,
}

--- Settings that `defaults` may have, for all phases alike.
settings.IN_DEFAULTS = { db_concurrent_sessions = true }

--- Environment variables and the settings that they win over.
settings.ENVIRONMENT = {
  DB_COCURRENT_SESSION = "db_concurrent_sessions",
  DG_PARALLELISM = "parallelism",
  MAX_DB_CONCURRENT_LIMIT_ALL = "max_db_concurrent_limit_all",
  OPENAI_BASE_URL = "base_url",
  OPENAI_BUDGET_USD = "budget_usd",
  OPENAI_MAX_PARALLEL = "max_parallel_requests",
}

--- Flags of the command line and the settings that they win over.
settings.FLAGS = {
  base_url = "base_url", budget = "budget_usd", model = "openai_model", parallelism = "parallelism",
  provider = "provider", schemas = "schemas", seed = "seed", store = "store",
}

--- What holds where nobody says. Times in seconds, sizes in bytes.
function settings.built_in()
  return {
    allow_insecure = false,
    anonymise = true,
    base_url = "https://api.openai.com/v1",
    connect_timeout = 10,
    db_concurrent_sessions = 8,
    discover = "auto",
    gates = {},
    idle_timeout = 300,
    loopback_is_free = true,
    max_db_concurrent_limit_all = 450,
    max_reply_bytes = 16 << 20,
    max_tokens = 16384,
    openai_model = "gpt-4.1",
    parallelism = 10,
    phase_blocked = 60,
    phase_memory = 1024,
    phase_slice = 5,
    provider = providers.NAMES[1],
    require_readonly_role = false,
    retries = 5,
    retry_base = 1,
    schema_tokens = 24000,
    seed = 1,
    store = "generated_datasets/nlsql.db",
    stream = true,
    total_timeout = 900,
  }
end

--- What holds of `gates:` where nobody says. The caps on plans refuse what would run into the timeout by
--- far: ordinary servers do some 100,000 to 1,000,000 units of cost a second. work_mem, temp_files: megabytes.
settings.GATE_DEFAULTS = {
  max_cost = 1e8, max_plan_rows = 1e9, work_mem = 64, temp_files = 2048,
  allow_empty = false, allow_null = false, literal_variants = 5,
  statement_timeout = 10, lock_timeout = 1, max_rows = 1000, max_bytes = 16 << 20, max_field = 1 << 16,
  system_catalogs = false, foreign_tables = false, newer_grammar = "refuse",
}

return settings
