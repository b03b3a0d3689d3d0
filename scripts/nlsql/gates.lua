--- gates: what a candidate must pass, and the one verdict that every command shares.
---
--- The gates run in the order read, private, parse, safe, grounded, explain, execute, answer, accept, review;
--- the first that a candidate fails ends its way. `private` finds values of the database that must not leave;
--- a query that filters on stand-ins is explained and executed with the values behind them (nlsql.standins), and
--- stored as it was written. `unique` comes last of all, in the runner, because
--- it depends on what other items brought and so must be asked in the order of the plan.
---
--- A candidate whose answer is words (schema_docs, schema_relationship) meets read, private, grounded, untrue,
--- accept and unique.

local guard = require "nlsql.guard"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local sql = require "nlsql.sql"
local standins = require "nlsql.standins"
local text = require "nlsql.text"

local gates = {}

--- Names in the order in which a candidate meets them.
gates.ORDER = { "read", "private", "parse", "safe", "grounded", "untrue", "explain", "execute", "answer", "accept", "review",
  "unique" }

---@class nlsql.Candidate
---@field question string
---@field sql string?       either this
---@field answer string?    or this: words
---@field known table?      more facts about it, for the store alone (JSON-able)
---@field verified boolean? the phase has checked what the answer says against the data
---@field tables string[]?  what an answer in words is about, where that is not all of the item's tables
---@field refused { gate: string, reason: string }?  the phase has found that it falls, and where
---@field facts nlsql.Facts  set by the gates, for `accept` and `record`
---@field probe nlsql.Probe  likewise
---@field [string] any      a phase's own

---@class nlsql.Verdict
---@field ok boolean
---@field gate string?      the gate that it failed
---@field reason string?    one sentence for a person or a model
---@field detail string?    the server's detail or hint
---@field facts nlsql.Facts?  what the query is about, once parsed and grounded
---@field sql string?       the query as it is kept: less its final semicolon
---@field sql_key string?   16 bytes: the same query, however spelt
---@field masked_key string? 16 bytes: the same query but for its literals
---@field question_key string?
---@field probe nlsql.Probe?  plan, cost, n_rows, columns, times
---@field lost boolean?     the database could not be asked: not the candidate's fault
---@field guarded boolean?  it met the gate `private`: values of the database have stand-ins
---@field disguise nlsql.Disguise?  the query that is executed in its place, with real values: for the gates alone

--- Gates that a candidate meets whose answer is words, and one whose answer is a query.
local OF_ANSWERS = { read = true, grounded = true, untrue = true, accept = true }
local OF_QUERIES = { read = true, parse = true, safe = true, grounded = true, explain = true, execute = true, answer = true,
  accept = true }

---@class nlsql.GateState
---@field gate string
---@field state "passed"|"failed"|"not reached"

--- What each gate said of a candidate, in their order.
---@param candidate nlsql.Candidate
---@param verdict nlsql.Verdict
---@return nlsql.GateState[]
function gates.trail(candidate, verdict)
  local met, trail, over = candidate.answer and OF_ANSWERS or OF_QUERIES, {}, false
  for _, gate in ipairs(gates.ORDER) do
    local failed = not verdict.ok and verdict.gate == gate
    if met[gate] or failed or gate == "private" and verdict.guarded then
      trail[#trail + 1] = { gate = gate, state = failed and "failed" or over and "not reached" or "passed" }
      over = over or failed
    end
  end
  return trail
end

local function fall(verdict, gate, reason, detail)
  verdict.ok, verdict.gate, verdict.reason, verdict.detail = false, gate, reason, detail
  return verdict
end

local STAGE_GATE = { connect = "execute", explain = "explain", cost = "explain", execute = "execute" }

--- How often a query is tried again when the connection was lost under it, or others were in its way.
local LOST_TRIES = 4

--- What others do to a query: nothing that it could do better.
local PASSING = {
  ["40001"] = true, -- serialization_failure: a replica's conflict with recovery
  ["40P01"] = true, -- deadlock_detected
  ["55P03"] = true, -- lock_not_available: somebody changes the table
}

--- The limits under which a query that a model wrote is planned and run, as db:probe takes them.
---@param limits table  the settings' own
---@return nlsql.ProbeOptions
function gates.limits(limits)
  return {
    execute = true, statement_timeout = limits.statement_timeout, lock_timeout = limits.lock_timeout,
    max_cost = limits.max_cost, max_plan_rows = limits.max_plan_rows, max_rows = limits.max_rows,
    max_bytes = limits.max_bytes, max_field = limits.max_field,
    work_mem = limits.work_mem and limits.work_mem * 1024, temp_files = limits.temp_files and limits.temp_files * 1024,
  }
end

local function ask_database(ctx, query)
  local limits = gates.limits(ctx.settings.limits)
  limits.rows = ctx.keep_rows
  local result
  for try = 1, LOST_TRIES do
    result = ctx.db:probe(query, limits)
    local passes = result.code == "net" or PASSING[result.sqlstate or ""]
    if not passes or try == LOST_TRIES then break end
    jobs.sleep(0.2 * 4 ^ (try - 1)) -- 0.2, 0.8, 3.2 s: a server that restarts
  end
  return result
end

--- Layers behind the parse gate, by the SQLSTATE with which each says no.
local LAYER_OF = {
  ["42501"] = "role",        -- insufficient_privilege
  ["25006"] = "transaction", -- read_only_sql_transaction
  ["25001"] = "transaction", -- active_sql_transaction: it is too late to make it READ WRITE
  ["2D000"] = "transaction", -- invalid_transaction_termination
  ["57014"] = "limits",      -- query_canceled: statement_timeout
  ["25P04"] = "limits",      -- transaction_timeout
  ["55P03"] = "limits",      -- lock_not_available: lock_timeout
  ["53400"] = "limits",      -- configuration_limit_exceeded: temp_file_limit
  ["54001"] = "limits",      -- statement_too_complex: max_stack_depth
}

--- Which of the layers that guard the database refused a candidate: "gate" (the text alone), "role",
--- "transaction", "protocol" (what no cursor takes) or "limits"; nil where it fell for another reason.
---@param verdict nlsql.Verdict
---@return string?
function gates.layer(verdict)
  if verdict.ok then return nil end
  if verdict.gate == "safe" then return "gate" end
  local probe = verdict.probe
  if not probe or probe.stage == "done" or probe.code == "net" then return nil end
  if probe.code == "limit" or probe.code == "timeout" then return "limits" end
  local layer = LAYER_OF[probe.sqlstate or ""]
  if layer then return layer end
  if probe.error == "the statement ended its transaction" then return "transaction" end
  local refused = probe.sqlstate == "42601" or probe.sqlstate == "0A000" -- syntax_error, feature_not_supported
  return probe.stage == "explain" and refused and "protocol" or nil
end

--- What the server says of a failure, as others may read it: the error, and detail and hint in one.
local function server_words(ctx, verdict, result)
  local disguise, words = verdict.disguise, {}
  local function said(message) return standins.said(ctx, verdict.sql, disguise, message) end
  result.error = said(result.error)
  for _, name in ipairs { "detail", "hint" } do
    if result[name] and result[name] ~= "" then
      result[name] = said(result[name])
      words[#words + 1] = result[name]
    end
  end
  return #words > 0 and table.concat(words, " ") or nil
end

--- Runs the query of a verdict by `ask(ctx, query)`, with real values for its stand-ins; what comes back has stand-ins
--- again. Returns the result, and the server's detail and hint in one.
local function run(ctx, verdict, ask)
  local disguise = verdict.disguise
  local result = ask(ctx, disguise and disguise.text or verdict.sql)
  if disguise and result.plan then result.plan = standins.plan(ctx, disguise, result.plan) end
  if result.stage ~= "done" then return result, server_words(ctx, verdict, result) end
  if ctx.anon and result.rows then result = ctx.anon:rows(result, verdict.facts and verdict.facts.literals) end
  return result
end

--- The rows of a query that passed: `options` as db:probe takes them.
---@param ctx nlsql.Context
---@param verdict nlsql.Verdict
---@param options table
---@return nlsql.Probe
function gates.rows(ctx, verdict, options)
  return (run(ctx, verdict, function(_, query) return ctx.db:probe(query, options) end))
end

--- A query in a grammar that only the server knows, which `newer_grammar: server` leaves to it: nothing is
--- known of what it is about.
local function leave_unread(item, candidate, verdict)
  verdict.sql = candidate.sql:gsub("[%s;]+$", "")
  verdict.facts = { tables = item.tables or json.array {}, columns = json.array {}, functions = json.array {},
    literals = json.array {}, constructs = json.array {}, unknown = json.array {}, joined = 0, output_columns = 0,
    ordered = false }
  verdict.sql_key = text.key(verdict.sql)
  verdict.masked_key = verdict.sql_key
  verdict.question_key = text.question_key(candidate.question)
  return verdict
end

--- The gates that ask only the text and the catalog: parse, safe, grounded. Fills the verdict.
local function read_query(ctx, item, candidate, verdict)
  local statement <close>, why, code = sql.parse(candidate.sql)
  if not statement then
    local newer = code == "invalid" and sql.newer(candidate.sql, ctx.schema)
    if newer and ctx.settings.safe.newer_grammar == "server" then
      local fine, unfit = sql.unread(candidate.sql, ctx.schema, ctx.settings.safe)
      return fine and leave_unread(item, candidate, verdict) or fall(verdict, "safe", unfit)
    end
    return fall(verdict, "parse", newer or why)
  end
  verdict.sql = statement:text()
  local safe, unsafe = statement:safe(ctx.schema, ctx.settings.safe)
  local facts, no_facts = statement:facts(ctx.schema, item.tables)
  local unknown = facts and facts.unknown[1] and table.concat(facts.unknown, "; ")
  if not safe then
    -- a column that does not exist could be a function called in a column's clothes, so `safe` refuses
    -- it too; the better word for it is the other gate's
    local is_name = unknown and unknown:find(unsafe, 1, true)
    return fall(verdict, is_name and "grounded" or "safe", is_name and unknown or unsafe)
  end
  if not facts then return fall(verdict, "grounded", no_facts) end
  verdict.facts = facts
  if unknown then return fall(verdict, "grounded", unknown) end
  if facts.ambiguous then return fall(verdict, "grounded", facts.ambiguous) end
  local disguise, stuck = standins.open(ctx, statement)
  if stuck then return fall(verdict, "parse", stuck) end
  if disguise and not standins.safe(ctx, disguise) then
    return fall(verdict, "safe", "it is not safe with the values that its stand-ins stand for")
  end
  verdict.disguise = disguise
  verdict.sql_key, verdict.masked_key = statement:keys()
  verdict.question_key = text.question_key(candidate.question)
  return verdict
end

local NOT_SHOWN = ": a value of the database's own that was not shown; filter on values of the sample rows instead"

--- Has the candidate anything in it that must not leave?
local function is_private(ctx, candidate, verdict)
  verdict.guarded = ctx.anon ~= nil and not ctx.anon:raw()
  if not verdict.guarded then return nil end
  local what = guard.check(ctx, ("%s\n%s"):format(candidate.question, candidate.sql or candidate.answer))
  return what and fall(verdict, "private", "it holds " .. what .. NOT_SHOWN)
end

--- The phase's own rule.
local function ask_phase(ctx, item, candidate, verdict, accept)
  if not accept then return verdict end
  local good, reason, detail = accept(ctx, item, candidate)
  if not good then return fall(verdict, "accept", detail or reason or "the phase refuses it", reason) end
  return verdict
end

--- An answer in words: what it says of the schema must be true of the catalog. `verified`: the phase has
--- asked the data itself.
local function check_answer(ctx, item, candidate, verdict, accept)
  if not candidate.answer:find("%S") then return fall(verdict, "read", "the answer is empty") end
  if not candidate.verified then
    local claims = require "nlsql.claims" -- large, and few phases have answers in words
    local true_so_far, gate, reason = claims.check(ctx.schema, item.tables, candidate.question, candidate.answer)
    if not true_so_far then return fall(verdict, gate, reason) end
  end
  verdict.facts = { tables = candidate.tables or item.tables or json.array {} }
  verdict.question_key = text.question_key(candidate.question)
  verdict.sql_key = text.key(candidate.question .. "\0" .. candidate.answer)
  verdict.masked_key = verdict.sql_key
  return ask_phase(ctx, item, candidate, verdict, accept)
end

--- Sends one question and query (or answer) through all gates but the last.
---@param ctx nlsql.Context
---@param item table            its `tables` are what the query may use; nil: all
---@param candidate nlsql.Candidate
---@param accept function?      the phase's own rule: accept(ctx, item, candidate)
---@return nlsql.Verdict
function gates.check(ctx, item, candidate, accept)
  if ctx.check_candidate then return ctx:check_candidate(item, candidate, accept) end -- a guest's: the run's own gates
  local verdict = { ok = true }
  if not text.valid_utf8(candidate.question) or not text.valid_utf8(candidate.sql or candidate.answer) then
    return fall(verdict, "read", "not valid UTF-8")
  end
  if is_private(ctx, candidate, verdict) then return verdict end
  local refused = candidate.refused
  if refused then return fall(verdict, refused.gate, refused.reason) end
  if candidate.answer then return check_answer(ctx, item, candidate, verdict, accept) end
  read_query(ctx, item, candidate, verdict)
  if not verdict.ok then return verdict end

  local result, words = run(ctx, verdict, ask_database)
  verdict.probe = result
  if result.stage ~= "done" then
    verdict.lost = result.code == "net" or result.stage == "connect" -- it never came to the query
    return fall(verdict, STAGE_GATE[result.stage], result.error, words)
  end
  if result.n_rows == 0 and not ctx.settings.gates.allow_empty then
    return fall(verdict, "answer", "the result has no rows")
  elseif result.n_rows > 0 and result.all_null and not ctx.settings.gates.allow_null then
    return fall(verdict, "answer", "the result holds nothing but NULL")
  end

  candidate.facts, candidate.probe = verdict.facts, result
  return ask_phase(ctx, item, candidate, verdict, accept)
end

return gates
