--- questions: SQL for questions that are given. Any phase of config.yaml that has `questions` (or one
--- `question`) and no file of its own runs this one under its name.
local asking = require "nlsql.asking"
local critic = require "nlsql.critic"

---@type nlsql.Phase
return {
  name    = "questions",
  summary = "SQL for questions that are given, each kept as it is written",
  options = {
    questions       = { nil, "the questions, a list of texts", { type = "list", of = { type = "text" } } },
    question        = { nil, "one more of them", { type = "text" } },
    max_attempts    = { 6, "queries that the model may try for one question", { min = 1 } },
    use_sample_rows = { true, "show the model a few rows of the tables that a question names (where config allows it)" },
    n_rows          = { 2, "rows of each table that it is shown", { min = 1, max = 100 } },
    prompt_template = { "ask", "the prompt: a file of prompts/, without .txt" },
  },

  --- One item for each question.
  plan = function(ctx, emit)
    local why = asking.unreadable(ctx, "questions")
    if why then return nil, why, "model" end
    local list, one = { table.unpack(ctx.opt.questions or {}) }, ctx.opt.question
    if one then list[#list + 1] = one end
    if #list == 0 then
      return nil, ("phase %q has no questions: give it questions: [\"How many …?\"]"):format(ctx.phase), "config"
    end
    for _, question in ipairs(list) do emit { key = question, question = question, count = 1 } end
  end,

  run = function(ctx, item)
    local found, info, code = asking.turn(ctx, item, {
      follow = "question_follow",
      first = function()
        local schema_json, cut = ctx:schema_json()
        return ctx:render(ctx.opt.prompt_template, {
          schema_json = schema_json,
          cut         = cut or false,
          sample_rows = ctx.opt.use_sample_rows and ctx:sample(asking.named_tables(ctx, item.question)) or false,
          question    = item.question,
          count       = 1,
        })
      end,
    })
    for _, candidate in ipairs(found or {}) do candidate.question = item.question end -- never the model's rewording
    return found, info, code
  end,

  critic = critic.repair { rounds = 2 },
}
