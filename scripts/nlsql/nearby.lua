--- nearby: which tables a question is about, where the whole schema does not fit a prompt.

local catalog = require "nlsql.catalog"

local nearby = {}

--- Words of a text in lower case, less a plural's "s": names are split at _, and at capitals.
local function words(text)
  local list = {}
  text = text:gsub("(%l)(%u)", "%1 %2"):lower()
  for word in text:gmatch("[%w\128-\255]+") do
    if #word > 2 then list[#list + 1] = (word:gsub("ies$", "y"):gsub("s$", "")) end
  end
  return list
end

--- How many of the question's words a table's name (three times), columns and comments hold.
local function score(t, asked)
  local total = 0
  local function add(text, weight)
    for _, word in ipairs(words(text or "")) do
      if asked[word] then total = total + weight end
    end
  end
  add(t.name, 3)
  add(t.comment, 1)
  for _, column in ipairs(t.columns) do
    add(column.name, 1)
    add(column.comment, 0.5)
  end
  return total
end

--- The tables by how much of the question they hold, then by name; those without a word of it last.
local function ranked(ctx, question)
  local asked, list = {}, {}
  for _, word in ipairs(words(question)) do asked[word] = true end
  for i, ref in ipairs(ctx.schema:names()) do
    list[i] = { ref = ref, score = score(ctx.schema:table(ref), asked), order = i }
  end
  table.sort(list, function(a, b)
    if a.score ~= b.score then return a.score > b.score end
    return a.order < b.order
  end)
  return list
end

--- The tables whose schema a prompt about the question should show: nil (all) where all fit into
--- `schema_tokens`, else the likeliest and what foreign keys connect them with, as many as fit.
---@param ctx nlsql.Context
---@param question string
---@return string[]?
function nearby.tables(ctx, question)
  local most = ctx.settings.schema_tokens
  local _, cut = ctx.schema:render { format = "json", max_tokens = most }
  if not cut then return nil end
  local near = {}
  for _, edge in ipairs(ctx.schema:edges()) do
    near[edge.from], near[edge.to] = near[edge.from] or {}, near[edge.to] or {}
    table.insert(near[edge.from], edge.to)
    table.insert(near[edge.to], edge.from)
  end
  local chosen, inside, tokens = {}, {}, 0
  local function add(ref)
    if inside[ref] then return true end
    local size = catalog.tokens((ctx.schema:render { format = "json", tables = { ref } }))
    if tokens + size > most then return false end
    inside[ref], tokens = true, tokens + size
    chosen[#chosen + 1] = ref
    return true
  end
  for _, one in ipairs(ranked(ctx, question)) do
    if not add(one.ref) then break end
    for _, other in ipairs(one.score > 0 and near[one.ref] or {}) do add(other) end
  end
  return chosen
end

return nearby
