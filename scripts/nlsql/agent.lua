--- agent: a model that calls tools until it has an answer.
---
--- The loop is the same for every phase: offer the tools, run what the model calls, tell it what
--- came of it, and so on until it answers without calling any. Whatever the model gets wrong (a tool
--- that does not exist, broken arguments) becomes the result of that call, in a sentence that it can
--- act on; whatever ends the loop without an answer becomes a reason. Each request depends on the
--- item's own history alone, so recorded replies are found again.

local json = require "nlsql.json"
local options = require "nlsql.options"
local text = require "nlsql.text"

local agent = {}

---@class nlsql.AgentTool : nlsql.Tool
---@field call fun(arguments: table): any, string?, string?  its result: text, or a table that is told as JSON; nil, message,
---                            code where the run cannot go on

---@class nlsql.AgentTask
---@field task nlsql.Message[]      what is wanted, and how the answer is to look
---@field tools nlsql.AgentTool[]
---@field rounds integer?           requests at most (8)
---@field purpose string?           of the requests, in the store ("agent")
---@field sample integer?           the how-manieth answer to the same task this is
---@field temperature number?

---@class nlsql.AgentResult
---@field content string?  the answer; nil where there is none
---@field failure string?  then: "no_tools", "rounds", "repeated", "refusal", "content_filter", "empty", "length", …
---@field reason string?   and why, in words
---@field gave_up boolean? the endpoint did not answer: worth asking again in another run
---@field rounds integer   requests that were answered
---@field calls integer    tools that were called

--- Calls of one reply that are run, times that the same call is taken, bytes of a result that the
--- model is told, bytes of a call's arguments that are read.
local MOST_CALLS, MOST_REPEATS, MOST_BYTES, MOST_ARGUMENTS = 8, 3, 12000, 1 << 16

--- --- arguments ---------------------------------------------------------------------------------

local NOUNS = { string = "text", integer = "a whole number", number = "a number", boolean = "true or false",
  array = "a list", object = "an object" }

local function kind_of(value)
  if value == nil or value == json.null then return "null" end
  local kind = type(value)
  if kind == "table" then return json.is_array(value) and "array" or getmetatable(value) == nil and "object" or "number" end
  return kind == "number" and math.type(value) == "integer" and "integer" or kind
end

local function shown(value)
  local written = json.encode(value) or tostring(value)
  return #written > 60 and kind_of(value) or written
end

--- The value as the schema wants it; nil and what is wrong.
local function checked(name, value, schema)
  local wanted, kind = schema.type, kind_of(value)
  if wanted == "integer" and kind == "number" then -- 5.0 is one
    local whole = math.type(value) == "float" and math.tointeger(value)
    if whole then value, kind = whole, "integer" end
  end
  if wanted and kind ~= wanted and not (wanted == "number" and kind == "integer") then
    return nil, ("%s: expected %s, found %s"):format(name, NOUNS[wanted] or wanted, shown(value))
  end
  if kind == "string" and not value:find("%S") then return nil, name .. ": expected some text, found none" end
  local low, high = schema.minimum, schema.maximum
  if (low and value < low) or (high and value > high) then
    return nil, ("%s: expected %s from %s to %s, found %s"):format(name, NOUNS[wanted] or "a number", low or "-inf",
      high or "inf", shown(value))
  end
  return value
end

--- What a tool takes: 'sql (text), n_rows (a whole number, may be left out)'.
local function signature(tool)
  local parameters, parts, required = tool.parameters, {}, {}
  for _, name in ipairs(parameters.required or {}) do required[name] = true end
  for i, name in ipairs(options.keys_of(parameters.properties or {})) do
    local kind = NOUNS[parameters.properties[name].type] or "any value"
    parts[i] = ("%s (%s%s)"):format(name, kind, required[name] and "" or ", may be left out")
  end
  return #parts > 0 and ("%s takes %s"):format(tool.name, table.concat(parts, ", ")) or tool.name .. " takes nothing"
end

--- The arguments of a call as its tool declares them; nil and a sentence for the model. Those that
--- the tool does not know are left out.
---@param tool nlsql.Tool
---@param written string
---@return table?, string?
function agent.arguments(tool, written)
  if #written > MOST_ARGUMENTS then return nil, ("The arguments are too long: %d bytes."):format(#written) end
  local given, why = {}, nil
  if written:find("%S") then given, why = json.decode(written) end
  if kind_of(given) ~= "object" then
    return nil, ("The arguments are no JSON object (%s). %s."):format(why or "found " .. shown(given), signature(tool))
  end
  local properties, out, wrong = tool.parameters.properties or {}, {}, {}
  for _, name in ipairs(options.keys_of(properties)) do
    if given[name] ~= nil and given[name] ~= json.null then
      local value, complaint = checked(name, given[name], properties[name])
      out[name], wrong[#wrong + 1] = value, complaint
    end
  end
  for _, name in ipairs(tool.parameters.required or {}) do
    if given[name] == nil or given[name] == json.null then wrong[#wrong + 1] = name .. " is missing" end
  end
  if #wrong > 0 then return nil, ("%s. %s."):format(table.concat(wrong, "; "), signature(tool)) end
  return out
end

--- --- calls ---------------------------------------------------------------------------------------

local function unknown_tool(tools, name)
  local known = {}
  for i, tool in ipairs(tools) do known[i] = tool.name end
  return ("There is no tool %q%s. There are: %s."):format(name, options.did_you_mean(name, known), table.concat(known, ", "))
end

--- A result as the model is told it: valid UTF-8, not too long.
local function told(result)
  local words = type(result) == "string" and result or json.encode(result)
  if not words or not text.valid_utf8(words) then return "error: the result cannot be written as text" end
  if #words <= MOST_BYTES then return words end
  local last = MOST_BYTES
  while last > 0 and (words:byte(last + 1) & 0xC0) == 0x80 do last = last - 1 end
  return words:sub(1, last) .. "… (cut)"
end

--- Runs one call. Returns what the model is told; nil, message, code where the run cannot go on, with
--- code nil where the tool itself is at fault.
local function run_call(self, call)
  local tool
  for _, one in ipairs(self.tools) do
    if one.name == call.name then tool = one end
  end
  if not tool then return "error: " .. unknown_tool(self.tools, call.name) end
  local arguments, wrong = agent.arguments(tool, call.arguments)
  if not arguments then return "error: " .. wrong end
  local ok, result, message, code = pcall(tool.call, arguments)
  if not ok then
    local why = type(result) == "table" and result.message or result
    return nil, ("the tool %s failed: %s"):format(tool.name, tostring(why))
  end
  if result == nil then return nil, message or ("the tool %s gave nothing"):format(tool.name), code end
  return told(result)
end

--- What the model is told about a call: from earlier where it is the same. Also counts.
local function answer_call(self, call, place)
  if place > MOST_CALLS then return ("error: not called: more than %d calls at once"):format(MOST_CALLS) end
  local key = call.name .. "\0" .. call.arguments
  local before = self.seen[key]
  self.calls = self.calls + 1
  if before then
    before.times = before.times + 1
    if before.times > MOST_REPEATS then
      return nil, ("it called %s again and again with the same arguments"):format(call.name), nil, "repeated"
    end
    return before.result .. "\n(You have called this before with the same arguments: this is the same result.)"
  end
  local result, message, code = run_call(self, call)
  if not result then return nil, message, code, "tool" end
  self.seen[key] = { result = result, times = 1 }
  return result
end

local LAST = "\n(No more tools can be called: give your answer now.)"

--- Runs a reply's calls and adds them, and what came of each, to the messages.
local function answer_calls(self, reply)
  self.messages[#self.messages + 1] = { role = "assistant", content = reply.content, tool_calls = reply.tool_calls }
  for place, call in ipairs(reply.tool_calls) do
    local result, message, code, failure = answer_call(self, call, place)
    if not result then return nil, message, code, failure end
    local last = place == #reply.tool_calls and self.rounds == self.most - 1
    self.messages[#self.messages + 1] = { role = "tool", tool_call_id = call.id, content = result .. (last and LAST or "") }
  end
  return true
end

--- --- the loop ------------------------------------------------------------------------------------

local NO_ANSWER = {
  content_filter = "the endpoint's content filter held the reply back",
  empty = "the reply is empty",
  length = "the output limit cut the reply",
  no_choices = "the endpoint answered without a choice",
  no_tools = "the endpoint cannot call tools",
  refusal = "the model refused to answer",
}

local function ended(self, failure, reason)
  return { failure = failure, reason = reason, rounds = self.rounds, calls = self.calls }
end

--- What a reply without calls makes of the loop.
local function answered(self, reply)
  if reply.gave_up then
    local result = ended(self, reply.outcome, reply.message)
    result.gave_up = true
    return result
  end
  local cut_call = reply.outcome == "length" and reply.tool_calls
  if not cut_call and reply.content:find("%S") and (reply.outcome == "ok" or reply.outcome == "length") then
    return { content = reply.content, rounds = self.rounds, calls = self.calls }
  end
  local failure = reply.outcome == "ok" and "empty" or reply.outcome
  return ended(self, failure, NO_ANSWER[failure] or failure)
end

--- Lets the model call tools until it answers. Returns its answer, or why there is none; nil,
--- message, code where nothing can be asked any more (no money, no endpoint, no database).
---@param ctx nlsql.Context
---@param item table
---@param o nlsql.AgentTask
---@return nlsql.AgentResult?, string?, string?
function agent.run(ctx, item, o)
  local self = { tools = o.tools, messages = table.move(o.task, 1, #o.task, 1, {}), seen = {}, rounds = 0, calls = 0,
    most = o.rounds or 8 }
  local offered = {}
  for i, tool in ipairs(o.tools) do
    offered[i] = { name = tool.name, description = tool.description, parameters = tool.parameters }
  end
  while self.rounds < self.most do
    local reply, message, code = ctx.llm:chat {
      purpose = o.purpose or "agent", item = item.key, messages = table.move(self.messages, 1, #self.messages, 1, {}),
      tools = offered, sample = o.sample, temperature = o.temperature,
    }
    if not reply then return nil, message, code end
    if reply.outcome == "no_tools" then return ended(self, "no_tools", NO_ANSWER.no_tools) end
    self.rounds = self.rounds + 1
    if reply.gave_up or reply.outcome ~= "tool_calls" then return answered(self, reply) end
    if self.rounds == self.most then break end
    local done, why, world, failure = answer_calls(self, reply)
    if not done and world then return nil, why, world end
    if not done then return ended(self, failure, why) end
  end
  return ended(self, "rounds", ("it called tools for %d rounds and gave no answer"):format(self.most))
end

return agent
