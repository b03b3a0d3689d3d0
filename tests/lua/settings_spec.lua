-- Every key of config.yaml, given what it may not be: the complaint names place, key, what was expected and
-- what was found. A key without a case here fails.
local config = require "nlsql.config"
local options = require "nlsql.options"
local settings = require "nlsql.settings"

local function complaints(source)
  local got, errors, _, rest = config.load { read = function() return source end }
  return errors or {}, (got or rest).warnings
end

--- One or more pairs for each key: what stands behind "key: ", and the complaint behind "PLACE: key".
local SETTINGS = {
  allow_insecure = { "2", ": expected true or false, found 2" },
  api_version = { "'1?x'", ': expected a version such as 2024-10-21, found "1?x"' },
  anonymise = { "[on]", ": expected on, off, or a map of columns, amounts and dates, found a list" },
  base_url = { "ftp://x", ': expected an http:// or https:// address, found "ftp://x"',
    "'http://a b'", ': expected an http:// or https:// address, found "http://a b"' },
  budget_usd = { "-0.1", ": expected a number of 0 or more, found -0.1", ".inf", ": expected a number of 0 or more, found .inf" },
  connect_timeout = { "-1", ": expected seconds, a number above 0, found -1", "1e9", ": expected seconds, a number above 0" },
  critic = { "always", ': expected true, false, or keys and values, found "always"' },
  db_concurrent_sessions = { "0", ": expected a whole number of 1 or more, found 0",
    "2.5", ": expected a whole number of 1 or more, found 2.5" },
  discover = { "always", ': expected one of "auto", "on", "off", found "always"' },
  examples = { "{question: q}", ": expected a list of pairs, each a question and its sql, found keys and values",
    "[SELECT 1]", '[1]: expected a question and its sql, found "SELECT 1"',
    "[{sql: SELECT 1}]", "[1]: expected a question and its sql, found no question",
    "[{question: q, sql: s, tables: a}]", '[1].tables: expected a list of texts, found "a"' },
  gates = { "[max_rows]", ": expected keys and values, found a list" },
  idle_timeout = { "soon", ': expected seconds, a number above 0, found "soon"' },
  language = { "[German]", ": expected text, found a list" },
  loopback_is_free = { "perhaps", ': expected true or false, found "perhaps"' },
  max_db_concurrent_limit_all = { "0", ": expected a whole number of 1 or more, found 0" },
  max_parallel_requests = { "none", ': expected a whole number of 1 or more, found "none"' },
  max_reply_bytes = { "1", ": expected a whole number of 1024 or more, found 1" },
  max_tokens = { "0", ": expected a whole number of 1 or more, found 0" },
  notes = { "[net]", ": expected text, or a map of table to text, found a list",
    "{orders: [net]}", ".orders: expected text, found a list" },
  offline = { "on", ": expected keys and values, found" },
  openai_model = { "{a: b}", ": expected text, found keys and values" },
  parallelism = { "-3", ": expected a whole number of 1 or more, found -3" },
  phase_blocked = { "0", ": expected seconds, a number from 0.1 to 3600, found 0" },
  phase_memory = { "8", ": expected megabytes, a whole number of 16 or more, found 8" },
  phase_slice = { "0.01", ": expected seconds, a number from 0.05 to 600, found 0.01" },
  prices = { "[1]", ": expected keys and values, found a list", "{m: {input: -1, output: 1}}",
    ".m.input: expected a number of 0 or more, found -1" },
  profile = { "gemini", ': expected one of "openai", "azure", "openrouter", "anthropic", "ollama", "lmstudio", '
    .. '"llama-server", "vllm", "other", found "gemini"' },
  provider = { "anthropic", ': expected one of "openai", "offline", found "anthropic"' },
  raw_rows_to = { "'https://x/v1'", ': expected the host of base_url, such as api.example.com, found "https://x/v1"',
    "[a]", ": expected the host of base_url, such as api.example.com, found a list" },
  relations = { "a.x -> b.y", ": expected a list of relations, each", "[[a.x, b.y]]", "[1]: expected \"orders.customer_id",
    "[{from: a.x, to: {b: y}}]", "[1].to: expected text such as", "[a.x]", '[1]: expected "orders.customer_id -> customers.id"' },
  require_readonly_role = { "superuser", ': expected true or false, found "superuser"' },
  requests_per_minute = { "0", ": expected a whole number of 1 or more, found 0" },
  retries = { "101", ": expected a whole number from 0 to 100, found 101" },
  retry_base = { "61", ": expected a number from 0 to 60, found 61" },
  schema_tokens = { "99", ": expected a whole number of 100 or more, found 99" },
  schemas = { "{a: b}", ": expected a list of texts, found keys and values" },
  seed = { "1.5", ": expected a whole number, found 1.5" },
  store = { "[]", ": expected text, found a list" },
  stream = { "'2'", ': expected true or false, found "2"' },
  tables = { "orders", ": expected a list of patterns, or include: and exclude:, found \"orders\"",
    "{include: orders}", '.include: expected a list of texts, found "orders"',
    "[a, b.c.d]", '[2]: the pattern "b.c.d" has more than one dot: expected a table, or schema.table',
    "{exclude: ['\"a']}", '.exclude[1]: the pattern "\"a" has a quote that is not closed' },
  temperature = { "2.1", ": expected a number from 0 to 2, found 2.1", "hot", ': expected a number from 0 to 2, found "hot"' },
  tokens_per_minute = { "1.5", ": expected a whole number of 1 or more, found 1.5" },
  total_timeout = { "0", ": expected seconds, a number above 0, found 0" },
}

local GATES = {
  allow_empty = { "5", ": expected true or false, found 5" },
  allow_null = { "[]", ": expected true or false, found a list" },
  foreign_tables = { "2", ": expected true or false, found 2" },
  functions = { "f", ': expected a list of texts, found "f"' },
  literal_variants = { "-1", ": expected a whole number of 0 or more, found -1" },
  lock_timeout = { "0", ": expected seconds, a number above 0, found 0" },
  max_bytes = { "0", ": expected a whole number of 1 or more, found 0" },
  max_cost = { "-1", ": expected a number of 0 or more, found -1" },
  max_plan_rows = { "many", ': expected a number of 0 or more, found "many"' },
  max_field = { "many", ': expected a whole number of 1 or more, found "many"' },
  max_rows = { "0", ": expected a whole number of 1 or more, found 0" },
  newer_grammar = { "always", ': expected one of "refuse", "server", found "always"' },
  statement_timeout = { "90000", ": expected seconds, a number above 0, found 90000" },
  system_catalogs = { "2", ": expected true or false, found 2" },
  temp_files = { "0", ": expected megabytes, a whole number of 1 or more, found 0" },
  work_mem = { "64MB", ': expected megabytes, a whole number of 1 or more, found "64MB"' },
}

local OFFLINE = {
  error_rate = { "1.1", ": expected a number from 0 to 1, found 1.1" },
  weights = { "{list: -1}", ".list: expected a number of 0 or more, found -1", "[list]", ": expected keys and values, found a list" },
}

local OPTIONS = {
  api_answer_count = { "0", ": expected a whole number of 1 or more, found 0" },
  builtins = { "COUNT", ': expected a list of functions, or a map of function to count, found "COUNT"',
    "{COUNT: -1}", ".COUNT: expected a whole number of 0 or more, found -1", "[[COUNT]]", "[1]: expected text, found a list" },
  construct_report = { "[]", ": expected true or false, found a list" },
  count = { "'5'", ': expected a whole number of 1 or more, found "5"' },
  dataset_fields = { "rows", ': expected a list of texts, found "rows"' },
  dataset_output_file_dir = { "[x]", ": expected text, found a list" },
  enable_worker_chat_log = { "x", ': expected true or false, found "x"' },
  max_attempts = { "0", ": expected a whole number of 1 or more, found 0" },
  min_joins = { "0", ": expected a whole number of 1 or more, found 0" },
  n_rows = { "0", ": expected a whole number of 1 or more, found 0" },
  prompt_template = { "[x]", ": expected text, found a list" },
  question = { "{a: b}", ": expected text, found keys and values" },
  questions = { "How many?", ': expected a list of texts, found "How many?"' },
  tag_schema_json = { "1", ": expected true or false, found 1" },
  total_table_pairs = { "1.5", ": expected a whole number of 1 or more, found 1.5" },
  use_sample_rows = { "always", ': expected true or false, found "always"' },
}

--- `before` and `after` stand around "KEY: VALUE" in a line of its own.
local function describe_keys(what, cases, known, before, prefix)
  describe(what, function()
    for _, key in ipairs(options.keys_of(known)) do
      it(("%s%s is complained about"):format(prefix, key), function()
        local case = assert(cases[key], "there is no case of " .. key)
        for i = 1, #case, 2 do
          local source = ("%s%s: %s\n"):format(before, key, case[i])
          local errors = complaints(source)
          assert.equal(1, #errors, source .. table.concat(errors, "\n"))
          local place, rest = errors[1]:match("^(config%.yaml:%d+:%d+): (.*)$")
          local _, lines = source:gsub("\n", "")
          assert.equal("config.yaml:" .. lines, place:match("^(.-:%d+):"))
          local wanted = prefix .. key .. case[i + 1]
          assert.equal(wanted, rest:sub(1, #wanted))
        end
      end)
    end

    it("has no case of what is no key", function()
      for key in pairs(cases) do assert.truthy(known[key], key) end
    end)

    it("are warned about where they are misspelt, with the nearest name", function()
      for _, key in ipairs(options.keys_of(known)) do
        local slip = key:gsub("^(.)(.)", "%1x%2")
        local errors, warnings = complaints(("%s%s: 5\n"):format(before, slip))
        assert.same({}, errors)
        if not before:find("phases:", 1, true) then -- a phase may know it: that is told when it is loaded
          assert.equal(1, #warnings, slip)
          assert.truthy(warnings[1]:find(("(did you mean %q?)"):format(key), 1, true), warnings[1])
        end
      end
    end)
  end)
end

local function only_options()
  local list = {}
  for key, rule in pairs(options.COMMON) do
    if not settings.RULES[key] then list[key] = rule end
  end
  return list
end

describe_keys("keys of the top level", SETTINGS, settings.RULES, "", "")
describe_keys("keys of gates:", GATES, settings.GATES, "gates:\n  ", "gates.")
describe_keys("keys of offline:", OFFLINE, settings.OFFLINE, "offline:\n  ", "offline.")
describe_keys("options of phases", OPTIONS, only_options(), "phases:\n- name: mine\n  ", "")
describe_keys("options under defaults", OPTIONS, only_options(), "defaults:\n  ", "")

local OWN, own_rules = {}, {}
for key in pairs(settings.IN_PHASES) do OWN[key], own_rules[key] = SETTINGS[key], settings.RULES[key] end
describe_keys("settings of a phase", OWN, own_rules, "phases:\n- name: mine\n  ", "")
