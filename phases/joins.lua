--- joins: questions that need several tables, along the relations of the schema.
local critic = require "nlsql.critic"
local tables = require "nlsql.tables"

---@type nlsql.Phase
return {
  name    = "joins",
  summary = "Questions that need two or more tables joined",
  relations = true, -- those that no key declares are looked for in the data
  options = {
    count             = { 200, "pairs wanted for each set of tables", { min = 1 } },
    min_joins         = { 2, "tables that a query must join at least", { min = 2 } },
    total_table_pairs = { 35, "sets of tables to work on", { min = 1 } },
    api_answer_count  = { 100, "pairs asked for in one reply", { min = 1 } },
    max_attempts      = { 6, "turns of one conversation at most", { min = 1 } },
    use_sample_rows   = { true, "show the model a few rows of each table (where config allows it)" },
    n_rows            = { 2, "rows of each table that it is shown", { min = 1, max = 100 } },
    prompt_template   = { "join_sql", "the prompt: a file of prompts/, without .txt" },
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

  accept = function(ctx, _, candidate)
    local facts, wanted = candidate.facts, ctx.opt.min_joins
    if facts.joined >= wanted then return true end
    return nil, "too_few_joins", ("joins %d of at least %d tables"):format(facts.joined, wanted)
  end,

  critic = critic.repair { rounds = 2 },
}
