--- context: what the hooks of a phase see as `ctx` while it is not trusted: the same as a trusted one's
--- as far as a phase needs it, and no way past it.
---
--- Nothing here is the library's own: tables are copies, functions close over what they need. So no
--- key, no price, no limit and no other gate than the run's can be had or changed through it; a phase's
--- own queries pass the gate that a model's pass.

local console = require "nlsql.console"
local containment = require "nlsql.containment"
local gates = require "nlsql.gates"
local job = require "nlsql.job"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local plain = require "nlsql.guest.plain"
local relations = require "nlsql.relations"
local sample = require "nlsql.sample"
local sql = require "nlsql.sql"

local context = {}

--- Settings that phases see: what they need to know about the run, and no secret.
local SETTINGS = {
  "anonymise", "critic", "db_concurrent_sessions", "demo", "discover", "examples", "gates", "language", "limits",
  "max_tokens", "notes", "openai_model", "parallelism", "provider", "safe", "schema_tokens", "seed", "temperature",
}

local function settings_of(ctx)
  local out = {}
  for _, name in ipairs(SETTINGS) do out[name] = plain.copy(ctx.settings[name]) end
  return out
end

--- --- the database --------------------------------------------------------------------------------

local TRUST = "(--trust lets your own phases ask what they like)"

--- Why a phase may not have this asked; nil where it may. A parameter's value is a constant, whatever
--- it is, so NULL stands for it here.
local function refusal(ctx, query, params)
  if type(query) ~= "string" then return "expected a query, found a " .. type(query) end
  if params then query = query:gsub("%$%d+", "NULL") end
  local statement <close>, why = sql.parse(query)
  if not statement then return why end
  local safe, unsafe = statement:safe(ctx.schema, ctx.settings.safe)
  if not safe then return unsafe end
  local facts, none = statement:facts(ctx.schema)
  return not facts and none or facts and facts.unknown[1] or nil
end

--- Limits of a phase's own query: what it asks for, and not more than any query has.
local function limits_of(ctx, given)
  local most, out = ctx.settings.limits or {}, {}
  for _, name in ipairs { "statement_timeout", "lock_timeout", "deadline", "max_cost", "max_rows", "max_bytes", "max_field" } do
    local value = type(given) == "table" and rawget(given, name) or nil
    out[name] = type(value) == "number" and value > 0 and value or most[name]
  end
  out.statement_timeout = math.min(out.statement_timeout or 60, math.max(most.statement_timeout or 0, 60))
  out.max_bytes = math.min(out.max_bytes or 16 << 20, most.max_bytes or 16 << 20)
  return out
end

--- Rows as they may be seen.
local function disguised(ctx, result)
  if ctx.anon and result and result.rows and not ctx.anon:raw() then return ctx.anon:rows(result) end
  return result
end

local function database(ctx)
  return {
    name = function() return ctx.db:name() end,
    --- Counts only: no stand-ins are wanted for them.
    contained = function(_, relation, options)
      local got = table.pack(containment.check(ctx.db, ctx.schema, plain.copy(relation), plain.copy(options)))
      return plain.copy(got[1]), table.unpack(got, 2, got.n)
    end,
    query = function(_, query, params, limits)
      local refused = refusal(ctx, query, params)
      if refused then return nil, ("a phase cannot ask this: %s %s"):format(refused, TRUST), "invalid" end
      local result, message, code, state = ctx.db:query(query, params and plain.copy(params), limits_of(ctx, limits))
      if not result then return nil, message, code, state end
      return disguised(ctx, result)
    end,
    probe = function(_, query, options)
      local refused = refusal(ctx, query)
      if refused then
        return { stage = "explain", code = "invalid", error = ("a phase cannot ask this: %s %s"):format(refused, TRUST) }
      end
      local limits = limits_of(ctx, options)
      local function flag(name) return type(options) == "table" and rawget(options, name) end
      limits.execute, limits.rows = flag("execute") ~= false, flag("rows") == true
      return disguised(ctx, ctx.db:probe(query, limits))
    end,
  }
end

--- --- the model -----------------------------------------------------------------------------------

--- What a phase may say of a request; not what it costs.
local ASK = { "messages", "purpose", "item", "schema", "sample", "temperature", "model", "max_tokens", "tools", "task" }
local KINDS = { messages = "table", purpose = "string", item = "string", schema = "table", sample = "number",
  temperature = "number", model = "string", max_tokens = "number", tools = "table", task = "table" }

local function request_of(ask)
  if type(ask) ~= "table" then error("chat: expected a table, found a " .. type(ask), 0) end
  local out = {}
  for _, name in ipairs(ASK) do
    local value = rawget(ask, name)
    if value ~= nil and type(value) ~= KINDS[name] then
      error(("chat: %s: expected a %s, found a %s"):format(name, KINDS[name], type(value)), 0)
    end
    out[name] = plain.copy(value)
  end
  if type(out.messages) ~= "table" then error("chat: messages are missing", 0) end
  for i, message in ipairs(out.messages) do
    if type(message) ~= "table" or type(message.role) ~= "string" then
      error(("chat: message %d: expected a role and a content"):format(i), 0)
    end
  end
  if out.max_tokens and (math.type(out.max_tokens) ~= "integer" or out.max_tokens < 1) then
    error("chat: max_tokens: expected a whole number of 1 or more", 0)
  end
  out.purpose = out.purpose or "ask"
  return out
end

--- Asks for a phase. The request is the run's own job: whatever becomes of the phase meanwhile, the
--- reply is kept and the money settled.
local function chat(ctx, main, call, ask)
  local request, fault = request_of(ask), nil
  local keep = rawget(ask, "keep")
  if type(keep) == "function" then
    request.keep = function(reply)
      local ok, kept = call(keep, plain.copy(reply))
      if not ok then fault = kept end
      return not ok or not not kept -- what was paid for is kept where the phase cannot say
    end
  end
  local asking = main:state() ~= "ended" and job.under(main, ctx.llm.chat, ctx.llm, request)
  if not asking then error("chat: the run is over", 0) end
  local ok, reply, message, code = asking:wait()
  if not ok then error(plain.text(reply), 0) end
  if fault then error(plain.text(fault), 0) end
  return plain.copy(reply), message, code
end

local function model(ctx, main, call)
  local url = ctx.llm.endpoint and ctx.llm.endpoint.url or ""
  return {
    endpoint = { url = url:gsub("//[^/@]*@", "//"), model = ctx.settings.openai_model },
    chat = function(_, ask) return chat(ctx, main, call, ask) end,
    provider = { reads_prompts = ctx.llm.provider and ctx.llm.provider.reads_prompts },
    calls_tools = function() return ctx.llm:calls_tools() end,
    able = function(_, task) return ctx.llm:able(plain.copy(task)) end,
  }
end

--- --- the whole -----------------------------------------------------------------------------------

--- The phase sees rows as they go out: what is disguised has been by then.
local AS_IT_IS = {
  raw = function() return true end,
  rows = function(_, result) return result end,
  value = function(_, _, _, value) return value end,
}

local function journal_name(name)
  if type(name) ~= "string" or not name:find("^[%w_%-]+$") or #name > 60 then
    error(("journal: expected a name of letters, digits, \"_\" and \"-\", found %s (--trust writes elsewhere, too)"):format(
      type(name) == "string" and ("%q"):format(name:sub(1, 60)) or "a " .. type(name)), 3)
  end
  return name
end

--- What a phase may write to its logs: lines, bytes of one and of all, and files.
local MOST_LINES, MOST_LINE, MOST_BYTES, MOST_FILES = 100000, 1 << 20, 64 << 20, 16

--- ctx:journal for a phase: up to these bounds; that what comes then is left out is said once.
local function journal_of(ctx)
  local lines, bytes, files, names, over = 0, 0, 0, {}, false
  return function(_, name, row)
    name = journal_name(name)
    if over then return end
    local own = plain.copy(row)
    if type(own) ~= "table" then error(("journal: expected a table, found a %s"):format(type(row)), 2) end
    local size = #(json.encode(own) or "")
    if size > MOST_LINE then error(("journal: a line of %d bytes: expected at most %d"):format(size, MOST_LINE), 2) end
    files = files + (names[name] and 0 or 1)
    names[name], lines, bytes = true, lines + 1, bytes + size
    over = lines > MOST_LINES or bytes > MOST_BYTES or files > MOST_FILES
    if not over then return ctx:journal(name, own) end
    console.warn(("phase %q has written as much to its logs as it may (%d lines, %d MB or %d files): the rest is left out")
      :format(ctx.phase, MOST_LINES, MOST_BYTES >> 20, MOST_FILES))
  end
end

local function methods(ctx, call)
  return {
    render = function(_, name, values) return plain.copy { ctx:render(plain.copy(name), plain.copy(values)) } end,
    schema_json = function(_, refs, most) return ctx:schema_json(plain.copy(refs), plain.copy(most)) end,
    sample = function(_, refs, n) return ctx:sample(plain.copy(refs), plain.copy(n)) end,
    sample_rows = function(_, ref, n, most) return plain.copy { sample.rows(ctx, ref, n, most) } end,
    journal = journal_of(ctx),
    function_names = function() return ctx:function_names() end,
    count_fault = function() end,
    map = function(_, list, n, f) return jobs.map(list, n, f) end,
    log = function(_, message) console.say(plain.text(message)) end,
    --- Through the run's own gates; `accept` is the phase's.
    check_candidate = function(self, item, candidate, accept)
      local own = plain.copy(candidate)
      local function rule(_, _, seen)
        local ok, good, reason, detail = call(accept, self, item, plain.copy(seen))
        if not ok then error(plain.text(good), 0) end
        return good and true or nil, reason ~= nil and plain.text(reason) or nil, detail ~= nil and plain.text(detail) or nil
      end
      local verdict = gates.check(ctx, { key = "", tables = plain.copy(item.tables) }, own, accept and rule)
      candidate.facts, candidate.probe = plain.copy(own.facts), plain.copy(own.probe)
      return plain.copy(verdict)
    end,
  }
end

--- What a phase gets in the place of `ctx`; the same each time.
---@param ctx nlsql.Context
---@param main nlsql.Job  the job that lasts as long as the run
---@param call fun(f: function, ...): boolean, any, any, any  runs the phase's code
---@return table
function context.of(ctx, main, call)
  local own = methods(ctx, call)
  for _, name in ipairs { "render", "sample_rows" } do -- these give several values
    local all = own[name]
    own[name] = function(...)
      local values = all(...)
      return values[1], values[2], values[3]
    end
  end
  own.phase, own.opt, own.settings, own.schema = ctx.phase, plain.copy(ctx.opt), settings_of(ctx), ctx.schema
  own.db, own.llm, own.anon = database(ctx), model(ctx, main, call), AS_IT_IS
  own.counts = { repaired = 0, repairs_tried = 0, faults = {}, mended = {} }
  own.keep_rows = ctx.keep_rows
  return setmetatable(own, { __index = function(_, name)
    if name == "known_relations" then return plain.copy(relations.known(ctx)) end
  end, __metatable = false })
end

return context
