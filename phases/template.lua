--- template: a prompt of the user's own, run `count` times. Any phase of config.yaml that has
--- `prompt_template` and no file of its own runs this one under its name.
local asking = require "nlsql.asking"
local critic = require "nlsql.critic"

---@type nlsql.Phase
return {
  name    = "template",
  summary = "Pairs from a prompt template of one's own",
  options = {
    count           = { 20, "how often the template is run, for one pair each", { min = 1 } },
    prompt_template = { nil, "the prompt: a file of prompts/, without .txt", { type = "text" } },
    question        = { nil, "what {{question}} in it stands for", { type = "text" } },
    max_attempts    = { 6, "tries for one pair", { min = 1 } },
    use_sample_rows = { true, "give it sample_rows of the tables that the question names (where config allows it)" },
    n_rows          = { 2, "rows of each table", { min = 1, max = 100 } },
  },

  --- One item for each run; they are told apart by number alone.
  plan = function(ctx, emit)
    local why = asking.unreadable(ctx, "prompt template")
    if why then return nil, why, "model" end
    if not ctx.opt.prompt_template then
      return nil, ("phase %q has no prompt_template: name a file of prompts/"):format(ctx.phase), "config"
    end
    for i = 1, ctx.opt.count do emit { key = ("%d"):format(i), number = i, count = 1 } end
  end,

  run = function(ctx, item)
    return asking.turn(ctx, item, {
      follow = "follow",
      sample = item.number, -- the same prompt each time, and yet another answer
      first = function()
        local schema_json, cut = ctx:schema_json()
        local question = ctx.opt.question
        return ctx:render(ctx.opt.prompt_template, {
          schema_json = schema_json,
          cut         = cut or false,
          sample_rows = ctx.opt.use_sample_rows and ctx:sample(asking.named_tables(ctx, question or "")) or false,
          question    = question or false,
          count       = 1,
        })
      end,
    })
  end,

  critic = critic.repair { rounds = 2 },
}
