--- complex_sqls: questions whose answers need several tables and more than joins: subqueries, CTEs,
--- window functions, set operations.
local critic = require "nlsql.critic"
local tables = require "nlsql.tables"

--- What a query must have one of: the names that its facts use (see engine/sql/facts.h), and words.
local WANTED = {
  { construct = "subquery", words = "a subquery",
    facts = { "subquery", "scalar_subquery", "in_subquery", "exists", "lateral" } },
  { construct = "cte", words = "a CTE", facts = { "cte", "recursive_cte" } },
  { construct = "window", words = "a window function", facts = { "window" } },
  { construct = "set_operation", words = "a set operation", facts = { "set_operation" } },
}

local IS_WANTED, NAMES, WORDS = {}, {}, {}
for i, one in ipairs(WANTED) do
  NAMES[i], WORDS[i] = one.construct, one.words
  for _, name in ipairs(one.facts) do IS_WANTED[name] = true end
end

---@type nlsql.Phase
return {
  name    = "complex_sqls",
  summary = "Questions over several tables that need subqueries, CTEs, windows or set operations",
  relations = true, -- those that no key declares are looked for in the data
  options = {
    count             = { 30, "pairs wanted for each set of tables", { min = 1 } },
    min_joins         = { 3, "tables that a query must use at least, over all its parts", { min = 2 } },
    total_table_pairs = { 35, "sets of tables to work on", { min = 1 } },
    api_answer_count  = { 30, "pairs asked for in one reply", { min = 1 } },
    max_attempts      = { 6, "turns of one conversation at most", { min = 1 } },
    use_sample_rows   = { true, "show the model a few rows of each table (where config allows it)" },
    n_rows            = { 20, "rows of each table that it is shown", { min = 1, max = 100 } },
    prompt_template   = { "complex_sqls", "the prompt: a file of prompts/, without .txt" },
    construct_report  = { true, "print how often each construct occurs in the accepted pairs" },
  },

  --- One item for each set of tables: those that the model suggests, then those that keys suggest.
  plan = function(ctx, emit)
    local sets, why, code = tables.suggested(ctx, "join_set", ctx.opt.min_joins, ctx.opt.total_table_pairs)
    if not sets then return nil, why, code end
    for _, set in ipairs(sets) do
      emit { key = table.concat(set, "+"), tables = set }
    end
  end,

  prompt = function(ctx, item)
    local schema_json, cut = ctx:schema_json(item.tables)
    return ctx:render(ctx.opt.prompt_template, {
      schema_json = schema_json,
      cut         = cut or false,
      sample_rows = ctx.opt.use_sample_rows and ctx:sample(item.tables) or false,
      min_joins   = ctx.opt.min_joins,
      count       = math.min(ctx.opt.api_answer_count, item.missing),
    })
  end,

  task = function() return { constructs = NAMES } end,

  accept = function(ctx, _, candidate)
    local facts, wanted = candidate.facts, ctx.opt.min_joins
    local used = math.max(#facts.tables, facts.joined)
    if used < wanted then return nil, "too_few_tables", ("uses %d of at least %d tables"):format(used, wanted) end
    for _, name in ipairs(facts.constructs) do
      if IS_WANTED[name] then return true end
    end
    return nil, "too_plain", ("is a plain query: wanted is one with %s or %s"):format(
      table.concat(WORDS, ", ", 1, #WORDS - 1), WORDS[#WORDS])
  end,

  critic = critic.repair { rounds = 2 },
}
