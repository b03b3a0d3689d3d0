--- builtins: for each function of a list, questions whose query calls it, on random tables.
local critic = require "nlsql.critic"
local functions = require "nlsql.functions"
local tools = require "nlsql.tools"
local toolturn = require "nlsql.toolturn"

local FUNCTIONS = {
  "COUNT", "SUM", "AVG", "MIN", "MAX", "COALESCE", "NULLIF", "CONCAT", "LENGTH", "SUBSTRING", "LOWER", "UPPER", "TRIM",
  "REPLACE", "EXTRACT", "DATE_TRUNC", "NOW", "CURRENT_DATE", "CURRENT_TIMESTAMP", "AGE", "TO_CHAR", "ROUND", "CEIL",
  "FLOOR", "MOD", "ABS", "ROW_NUMBER", "RANK", "LAG", "LEAD",
}

--- The function must be called by the name that was asked for: CEILING is not CEIL, % is not MOD.
local function accept(_, item, candidate)
  for _, name in ipairs(candidate.facts.functions) do
    if name == item.calls then return true end
  end
  return nil, "no_call", ("does not call %s"):format(item.calls:upper())
end

local function values(ctx, item)
  local schema_json, cut = ctx:schema_json(item.tables)
  return {
    builtin     = item.calls:upper(),
    table_name  = item.tables[1],
    schema_json = schema_json,
    cut         = cut or false,
    sample_rows = ctx.opt.use_sample_rows and ctx:sample(item.tables) or false,
  }
end

---@type nlsql.Phase
return {
  name    = "builtins",
  summary = "Questions whose query calls a given SQL function",
  options = {
    builtins        = { FUNCTIONS, "functions: a list, or a map of function to count" },
    count           = { 5, "pairs wanted for each function", { min = 1 } },
    max_attempts    = { 6, "turns for one pair at most", { min = 1 } },
    rounds          = { 8, "requests of one turn while the model calls tools; 0 offers it none", { min = 0, max = 50 } },
    use_sample_rows = { true, "show the model rows, and a tool that runs queries (where config allows it)" },
    n_rows          = { 5, "rows that it is shown", { min = 1, max = 50 } },
    prompt_template = { "builtins", "the prompt for a model that calls tools: a file of prompts/, without .txt" },
    plain_template  = { "builtins_plain", "the prompt for one that does not" },
  },

  --- For each function as many items as pairs are wanted, each on a random table that has a column
  --- for it.
  plan = function(ctx, emit)
    local wanted, why, code = functions.wanted(ctx, ctx.opt.builtins, ctx.opt.count)
    if not wanted then return nil, why, code end
    for _, one in ipairs(wanted) do
      local tables = functions.tables(ctx, one.name, one.count)
      for i = 1, #tables > 0 and one.count or 0 do
        local ref = tables[(i - 1) % #tables + 1]
        emit { key = ("%s/%d:%s"):format(one.name, i, ref), tables = { ref }, count = 1, calls = one.name, number = i,
          again = (i - 1) // #tables + 1 }
      end
    end
  end,

  prompt = function(ctx, item) return ctx:render(ctx.opt.prompt_template, values(ctx, item)) end,

  --- The model works with tools until it answers; without any it is asked plainly.
  run = function(ctx, item)
    local given = values(ctx, item)
    local task, no_task = ctx:render(ctx.opt.prompt_template, given)
    local plain, no_plain = ctx:render(ctx.opt.plain_template, given)
    if not task or not plain then return nil, no_task or no_plain, "config" end
    return toolturn.pairs(ctx, item, {
      task = task, plain = plain, follow = "builtins_follow", rounds = ctx.opt.rounds, accept = accept,
      again = item.again,
      tools = function(sample)
        return tools.standard(ctx, item, {
          template = "generate_sql", rule = ("The query calls the function %s."):format(given.builtin), accept = accept,
          use_sample_rows = ctx.opt.use_sample_rows, n_rows = ctx.opt.n_rows, sample = sample,
        })
      end,
      offline = { kind = "pairs", tables = item.tables, least = 1, count = 1, calls = item.calls, number = item.number },
    })
  end,

  --- A query is written and validated before the answer; at most all rounds are spent, some on a query.
  requests = function(ctx)
    if ctx.opt.rounds == 0 or not ctx.llm:calls_tools() then return 1, 1 end
    return math.min(4, ctx.opt.rounds + 2), ctx.opt.rounds + 2
  end,

  accept = accept,

  critic = critic.repair { rounds = 2 },
}
