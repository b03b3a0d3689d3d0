--- asking: one pair for an item, asked for in a conversation, for phases that bring their candidates
--- themselves because the prompt alone does not tell their items apart.

local json = require "nlsql.json"
local providers = require "nlsql.providers"
local replies = require "nlsql.replies"

local asking = {}

local SCHEMA = {
  name = "pair",
  schema = {
    type = "object", additionalProperties = false, required = { "question", "sql" },
    properties = { question = { type = "string" }, sql = { type = "string" } },
  },
}

---@class nlsql.AskingOptions
---@field first fun(): table[]?, string?  the messages of the first turn
---@field follow string                   template of what is said in the next ones; it is given `faults`
---@field sample integer?                 which of the answers to the same conversation is wanted (default 1)
---@field task table?                     for a provider that reads no prompts

--- The messages of this turn: what was said before, and what is new.
local function next_messages(ctx, item, said, options)
  local fresh, why
  if #said == 0 then
    fresh, why = options.first()
  else
    fresh, why = ctx:render(options.follow, { faults = item.faults or false, question = item.question or false, count = 1 })
  end
  if not fresh then return nil, why end
  local messages = table.move(said, 1, #said, 1, {})
  return table.move(fresh, 1, #fresh, #messages + 1, messages)
end

--- One turn: asks, and gives the first pair of the reply. What was said is kept in item.state, so that
--- the next turn goes on from it. Returns what a phase's `run` does.
---@param ctx nlsql.Context
---@param item table
---@param options nlsql.AskingOptions
---@return nlsql.Candidate[]?
---@return table|string? info
---@return string? code
function asking.turn(ctx, item, options)
  local state = item.state or { messages = json.array {}, unread = 0 }
  local messages, why = next_messages(ctx, item, state.messages, options)
  if not messages then return nil, why, "config" end
  local reply, message, code = ctx.llm:chat {
    purpose = "ask", item = item.key, messages = messages, schema = SCHEMA, task = options.task,
    sample = (options.sample or 1) + state.unread * 1000000, -- what could not be read is asked for once more
    keep = function(got) return #replies.read(got.content) > 0 end,
  }
  if not reply then return nil, message, code end
  if reply.gave_up then return {}, { gave_up = reply.message } end
  local found, kind, refused = replies.read(reply.content)
  item.state = state
  if #found == 0 then
    state.unread = state.unread + 1
    local unread = refused and #refused > 0 and refused
      or { { reason = replies.nothing(reply.outcome, kind) } }
    return {}, { unread = unread }
  end
  messages[#messages + 1] = { role = "assistant", content = reply.content }
  state.messages = json.array(messages)
  return { { question = found[1].question, sql = found[1].sql } }
end

--- Most tables of which a question's prompt shows rows.
local MOST_SAMPLED = 4

local function singular(word) return (word:gsub("ies$", "y"):gsub("s$", "")) end

--- The tables that the text names, "order items" as well as "order_item"; the first few.
---@param ctx nlsql.Context
---@param said string
---@return string[] refs
function asking.named_tables(ctx, said)
  local words = {}
  for word in said:lower():gmatch("[%w\128-\255]+") do words[#words + 1] = singular(word) end
  local line, refs = " " .. table.concat(words, " ") .. " ", {}
  for _, ref in ipairs(ctx.schema:names()) do
    local parts = {}
    for part in ctx.schema:table(ref).name:lower():gmatch("[%w\128-\255]+") do parts[#parts + 1] = singular(part) end
    if #refs < MOST_SAMPLED and #parts > 0 and line:find(" " .. table.concat(parts, " ") .. " ", 1, true) then
      refs[#refs + 1] = ref
    end
  end
  return refs
end

--- Refuses, for a provider that reads no prompts: what a plan returns then; nil where all is well.
---@param ctx nlsql.Context
---@param what string "questions"
---@return string? message
function asking.unreadable(ctx, what)
  local provider = providers.of(ctx.settings)
  if provider.reads_prompts then return nil end
  return ("phase %q: %s reads no %s: it needs a model (set OPENAI_API_KEY, or OPENAI_BASE_URL)"):format(ctx.phase,
    provider.words, what)
end

return asking
