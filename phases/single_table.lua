--- single_table: questions about one table at a time, whose answers need no other.
---
--- Views are tables to whoever asks, and have their own pairs. What holds no rows is left out.
local critic = require "nlsql.critic"
local tables = require "nlsql.tables"

---@type nlsql.Phase
return {
  name    = "single_table",
  summary = "Questions about one table, for every table that holds rows",
  options = {
    count            = { 500, "pairs wanted for each table", { min = 1 } },
    api_answer_count = { 50, "pairs asked for in one reply", { min = 1 } },
    max_attempts     = { 6, "turns of one conversation at most", { min = 1 } },
    use_sample_rows  = { true, "show the model a few rows of the table (where config allows it)" },
    n_rows           = { 5, "rows that it is shown", { min = 1, max = 100 } },
    prompt_template  = { "single_table", "the prompt: a file of prompts/, without .txt" },
  },

  --- One item for each table with rows. Since it names that table alone, the gate `grounded` refuses
  --- a query that reads another; the table joined to itself, or in a CTE, is fine.
  plan = function(ctx, emit)
    local found, empty = 0, {}
    for _, ref in ipairs(ctx.schema:names()) do
      if tables.filled(ctx, ref) then
        found = found + 1
        emit { key = ref, tables = { ref } }
      else
        empty[#empty + 1] = ref
      end
    end
    if found == 0 then return nil, "there is nothing to ask about: every table is empty", "db" end
    if #empty > 0 then ctx:log("left out, since they hold no rows: " .. tables.some(empty)) end
  end,

  prompt = function(ctx, item)
    local schema_json, cut = ctx:schema_json(item.tables)
    return ctx:render(ctx.opt.prompt_template, {
      schema_json = schema_json,
      cut         = cut or false,
      sample_rows = ctx.opt.use_sample_rows and ctx:sample(item.tables) or false,
      table       = item.tables[1],
      count       = math.min(ctx.opt.api_answer_count, item.missing),
    })
  end,

  accept = function(_, item, candidate)
    if #candidate.facts.tables > 0 then return true end
    return nil, "no_table", ("does not read the table %s"):format(item.tables[1])
  end,

  critic = critic.repair { rounds = 2 },
}
