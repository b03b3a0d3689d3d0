--- repair: a critic by rules, for want of a model: mends the query in a review's request from what
--- the request says, and sees nothing else.
---
--- It knows the slips that queries commonly have (misspelt keywords and names, a lock or INTO behind
--- a question, a number in quotes, a division by a count of zero) and gives up on others.

local repair = {}

--- The query, the gate that it fell at and the reason, from the text of a review's request
--- (prompts/critic.txt); nil where it cannot be found there.
---@param content string
---@return { sql: string, gate: string, reason: string }?
function repair.read(content)
  local query = content:match("\nQuery:\n(.-)\n\nIt failed at:")
  local gate, reason = content:match("\nIt failed at:%s*(%l+)\nReason:%s*([^\n]*)")
  if not query or not gate then return nil end
  return { sql = query, gate = gate, reason = reason }
end

local KEYWORDS = { selct = "SELECT", form = "FROM", wehre = "WHERE", gruop = "GROUP", oder = "ORDER", hving = "HAVING",
  jion = "JOIN", limt = "LIMIT" }

--- Words outside quotes, each replaced by what `f` gives for it.
local function each_word(query, f)
  local parts, inside = {}, false
  for piece, quote in query:gmatch("([^']*)('?)") do
    parts[#parts + 1] = inside and piece or piece:gsub("%f[%a_][%a_][%w_]*", f)
    parts[#parts + 1] = quote
    if quote == "'" then inside = not inside end
  end
  return table.concat(parts)
end

local function spelling(query)
  return each_word(query, function(word) return KEYWORDS[word:lower()] end)
end

local function without_writes(query)
  return (query:gsub("%s+[Ff][Oo][Rr]%s+[Uu][Pp][Dd][Aa][Tt][Ee]%s*;?%s*$", "")
    :gsub("%s+[Ff][Oo][Rr]%s+[Ss][Hh][Aa][Rr][Ee]%s*;?%s*$", "")
    :gsub("%s+INTO%s+[%w_\"]+%s+FROM%s", " FROM ", 1))
end

--- Names that do not exist, each by the one that the complaint suggests.
local function names(query, reason)
  local by = {}
  for wrong, right in reason:gmatch('"([^"]+)" does not exist[^;]-%(did you mean "?([%w_]+)') do
    by[wrong:match("[^.]+$")] = right
  end
  if not next(by) then return query end
  return each_word(query, function(word) return by[word] end)
end

local function values(query, reason)
  local wrong = reason:match('invalid input syntax for [^:]+: "(.-)"')
  if not wrong then return query end
  local plain = wrong:gsub("%W", "%%%0")
  local digits = wrong:match("^%-?%d+%.?%d*")
  if digits then return (query:gsub("'" .. plain .. "'", digits, 1)) end
  if wrong:lower() == "all" then return (query:gsub("%s+LIMIT%s+'" .. plain .. "'", "", 1)) end
  return query
end

local function division(query, reason)
  if not reason:find("division by zero", 1, true) then return query end
  return (query:gsub("/ (count%(%*%))", "/ nullif(%1, 0)"))
end

local REPAIRS = { parse = spelling, safe = without_writes, grounded = names, explain = values, execute = division }

--- A review: what was wrong, and the mended query where the rules know how.
---@param content string the text of the request
---@return { score: number, reason: string, fixed_sql: string? }
function repair.review(content)
  local seen = repair.read(content)
  if not seen and content:find("\nQuery:\n", 1, true) then return { score = 1, reason = "no rule finds a fault" } end
  if not seen then return { score = 0, reason = "there is no query in the request" } end
  local mend = REPAIRS[seen.gate]
  local fixed = mend and mend(seen.sql, seen.reason)
  if not fixed or fixed == seen.sql then return { score = 0, reason = "no rule mends this: " .. seen.reason } end
  return { score = 0.5, reason = seen.reason, fixed_sql = fixed }
end

return repair
