--- chatlog: what was said to the model and what it answered, for people to read: prompts as debug lines
--- of the run's log, and one file for each worker where `enable_worker_chat_log` is set.
---
--- Schemas are shortened to the names of their tables, so that a log is about what differs.

local console = require "nlsql.console"
local guard = require "nlsql.guard"
local journal = require "nlsql.journal"
local json = require "nlsql.json"

local chatlog = {}

---@class nlsql.Chatlog
---@field ctx nlsql.Context
---@field schemas table<string, string[]>
---@field workers table<string, integer>
---@field started string
local Chatlog = {}
Chatlog.__index = Chatlog

---@param ctx nlsql.Context
---@return nlsql.Chatlog
function chatlog.new(ctx)
  return setmetatable({ ctx = ctx, schemas = {}, workers = {}, started = os.date("!%Y%m%dT%H%M%SZ") }, Chatlog)
end

--- `text` is the schema of these tables wherever it stands on a line of its own.
---@param text string
---@param refs string[]
function Chatlog:note_schema(text, refs) self.schemas[text] = refs end

--- Forgets all schemas: where they come again they are not shortened, unless they are noted again.
function Chatlog:forget_schemas() self.schemas = {} end

local NAMES_SHOWN = 50

local function names_of(refs)
  if #refs <= NAMES_SHOWN then return table.concat(refs, ", ") end
  return ("%s and %d more"):format(table.concat(refs, ", ", 1, NAMES_SHOWN), #refs - NAMES_SHOWN)
end

--- The text with each schema in it as "[schema of a, b]".
---@param text string
---@return string
function Chatlog:shortened(text)
  if not text:find('{"tables":', 1, true) then return text end
  return (text:gsub("[^\n]+", function(line)
    local refs = self.schemas[line]
    return refs and ("[schema of %s]"):format(names_of(refs))
  end))
end

--- Worker `number` works on the item from now on.
---@param item string its key
---@param number integer?  nil: none any more
function Chatlog:assign(item, number) self.workers[item] = number end

--- What is new in the messages: all behind the last that the model wrote.
local function new_messages(self, messages)
  local first = 1
  for i, message in ipairs(messages) do
    if message.role == "assistant" then first = i + 1 end
  end
  local list = json.array {}
  for i = first, #messages do
    list[#list + 1] = { role = messages[i].role, content = self:shortened(messages[i].content or "") }
  end
  return list
end

--- Adds a line to logs/NAME.
---@param name string
---@param row table  gets `time`
function Chatlog:add(name, row)
  row.time = os.date("!%Y-%m-%dT%H:%M:%SZ")
  local line, why = json.encode(row, { keys = { "time" } })
  if not line then return console.debug(("%s: a line is lost: %s"):format(name, why)) end
  journal.append(name, guard.mask(self.ctx, line))
end

--- One request and its reply.
---@param ask nlsql.Ask
---@param reply nlsql.Reply
function Chatlog:chat(ask, reply)
  local ctx = self.ctx
  if not ctx.llm.provider.reads_prompts then return end -- nobody was told anything
  local said = new_messages(self, ask.messages)
  for _, message in ipairs(said) do
    console.debug(("%s: %s: %s: %s"):format(ask.item or ctx.phase, ask.purpose, message.role, message.content))
  end
  console.debug(("%s: %s: %s: %s"):format(ask.item or ctx.phase, ask.purpose, reply.recalled and "from the store"
    or reply.outcome, reply.content))
  if not ctx.opt.enable_worker_chat_log then return end
  self:add(("%s-worker-%d-%s.jsonl"):format(ctx.phase, self.workers[ask.item] or 0, self.started), {
    item = ask.item, purpose = ask.purpose, messages = said, reply = reply.content, tool_calls = reply.tool_calls,
    outcome = reply.outcome, recalled = reply.recalled,
  })
end

return chatlog
