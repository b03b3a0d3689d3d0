--- sample_data: a few rows of each table, with the query that gives them. No model is asked.
---
--- What is private in the rows has stand-ins, unless config.yaml says `anonymise: off`; those of the demo database
--- are made up.
local jobs = require "nlsql.jobs"
local rows = require "nlsql.rows"
local sample = require "nlsql.sample"

--- Bytes of one value that a row keeps.
local MAX_FIELD = 500

--- Tables looked into at once while planning, and names that a message lists at most.
local AT_ONCE, LISTED = 64, 10

local function listed(names)
  if #names <= LISTED then return table.concat(names, ", ") end
  return ("%s and %d more"):format(table.concat(names, ", ", 1, LISTED), #names - LISTED)
end

--- Whether each of the tables has a row; true where it cannot be told.
local function filled(ctx, refs)
  return jobs.map(refs, AT_ONCE, function(ref)
    local got = ctx.db:query(("SELECT 1 FROM %s LIMIT 1"):format(ref), nil,
      { statement_timeout = ctx.settings.limits.statement_timeout })
    return not got or #got.rows > 0
  end)
end

--- Emits the tables that have something to show; the others by why they have not.
local function plan_tables(ctx, emit)
  local names, empty, bare = ctx.schema:names(), {}, {}
  for first = 1, #names, AT_ONCE do
    local refs = table.move(names, first, math.min(first + AT_ONCE - 1, #names), 1, {})
    for i, has_rows in ipairs(filled(ctx, refs)) do
      if not sample.statement(ctx.schema:table(refs[i]), 1) then
        bare[#bare + 1] = refs[i]
      elseif not has_rows then
        empty[#empty + 1] = refs[i]
      else
        emit { key = refs[i], tables = { refs[i] }, count = 1 }
      end
    end
  end
  if #empty > 0 then ctx:log(("left out, as they hold no rows: %s"):format(listed(empty))) end
  if #bare > 0 then ctx:log(("left out, as none of their columns can be shown: %s"):format(listed(bare))) end
end

---@type nlsql.Phase
return {
  name    = "sample_data",
  summary = "A few rows of each table, with the query that gives them",
  model   = false,
  options = {
    n_rows          = { 2, "rows of each table", { min = 1, max = 100 } },
    use_sample_rows = { true, "changes nothing: rows are what this phase is for" },
  },

  --- One item for each table that holds rows.
  plan = function(ctx, emit)
    plan_tables(ctx, emit)
  end,

  run = function(ctx, item)
    local ref = item.tables[1]
    local got, message, code = sample.rows(ctx, ref, ctx.opt.n_rows, MAX_FIELD)
    if not got then
      if code == "net" then return nil, message, "db" end
      return { { question = ("Show me sample rows from the %s table."):format(ref), sql = "",
        refused = { gate = "execute", reason = message } } }, { over = true }
    end
    local n = #got.rows
    if n == 0 then return {}, { over = true } end
    return { {
      question = ("Show me %d sample row%s from the %s table."):format(n, n == 1 and "" or "s", ref),
      sql = got.sql:gsub("LIMIT %d+$", "LIMIT " .. n), sample = got,
    } }, { over = true }
  end,

  record = function(_, _, candidate)
    return { question = candidate.question, sql = candidate.sql, rows = rows.objects(candidate.sample) }
  end,
}
