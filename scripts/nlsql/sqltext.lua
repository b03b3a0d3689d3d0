--- sqltext: a query's text less what is not the query, without reading it as a tree.
---
--- Models put fences around SQL and semicolons behind it. Both go; literals, identifiers and
--- comments stay byte for byte.

local sqltext = {}

--- Where a quoted thing that opens at `from` ends; past the end where it never does.
--- A doubled quote stays inside; so does, in an E'' literal, one after a backslash.
local function past_quote(sql, from, quote, backslashes)
  local at = from + 1
  local stops = backslashes and "['\\]" or quote
  while true do
    local hit = sql:find(stops, at, not backslashes)
    if not hit then return #sql + 1 end
    if sql:byte(hit) == 92 or sql:sub(hit + 1, hit + 1) == quote then
      at = hit + 2
    else
      return hit + 1
    end
  end
end

--- Where the block comment that opens at `from` ends: they nest in PostgreSQL.
local function past_comment(sql, from)
  local depth, at = 1, from + 2
  while depth > 0 do
    local hit = sql:find("[*/]", at)
    if not hit then return #sql + 1 end
    local pair = sql:sub(hit, hit + 1)
    if pair == "/*" then
      depth, at = depth + 1, hit + 2
    elseif pair == "*/" then
      depth, at = depth - 1, hit + 2
    else
      at = hit + 1
    end
  end
  return at
end

--- Is the character at `at` one of a name? Positions before the text are not.
local function in_name(sql, at) return at >= 1 and sql:find("^[%w_$\x80-\xFF]", at) ~= nil end

--- The first byte behind what begins with the special character at `at`, and whether that is part
--- of the query: a comment is not.
local function past_special(sql, at)
  local c = sql:sub(at, at)
  if c == "-" and sql:find("^%-%-", at) then return (sql:find("\n", at, true) or #sql) + 1, false end
  if c == "/" and sql:find("^/%*", at) then return past_comment(sql, at), false end
  if c == "'" then
    local backslashes = at > 1 and sql:find("^[eE]", at - 1) and not in_name(sql, at - 2)
    return past_quote(sql, at, c, backslashes), true
  end
  if c == '"' then return past_quote(sql, at, c), true end
  local tag = c == "$" and not in_name(sql, at - 1) and sql:match("^%$[%w_\x80-\xFF]*%$", at)
  if tag and not tag:find("^%$%d") then
    local _, stop = sql:find(tag, at + #tag, true)
    return (stop or #sql) + 1, true
  end
  return at + 1, true
end

--- Without the semicolons that end it: those with nothing but blank space and comments behind.
local function without_semicolon(sql)
  if not sql:find(";", 1, true) then return sql end
  local at, final = 1, {}
  while true do
    local hit = sql:find("[;'\"$/-]", at)
    if final[1] then
      local code = sql:find("%S", at)
      if code and code < (hit or math.huge) then final = {} end
    end
    if not hit then break end
    if sql:byte(hit) == 59 then
      final[#final + 1], at = hit, hit + 1
    else
      local past, code = past_special(sql, hit)
      if code and final[1] then final = {} end
      at = past
    end
  end
  local kept, from = {}, 1
  for i, place in ipairs(final) do
    kept[i] = sql:sub(from, place - 1)
    from = place + 1
  end
  return table.concat(kept) .. sql:sub(from)
end

local SPACE = { [9] = true, [10] = true, [11] = true, [12] = true, [13] = true, [32] = true }

--- Without the blank space around it, in linear time.
---@param s string
---@return string
function sqltext.trim(s)
  local first, last = 1, #s
  while first <= last and SPACE[s:byte(first)] do first = first + 1 end
  while last >= first and SPACE[s:byte(last)] do last = last - 1 end
  return s:sub(first, last)
end

--- Without the code fence around it, if there is one around all of it.
local function without_fence(sql)
  local fence = sql:match("^`+")
  if not fence or #sql < 2 * #fence or sql:sub(-#fence) ~= fence then return sql end
  local inner = sql:sub(#fence + 1, -#fence - 1)
  if #fence >= 3 then
    local _, last = inner:find("^[%w_+-]*[ \t]*\r?\n")
    if not last then _, last = inner:find("^[sS][qQ][lL]%s") end
    if last then inner = inner:sub(last + 1) end
  end
  return inner
end

--- The query: no fence around it, no final semicolon, no blank space at its ends.
---@param sql string
---@return string
function sqltext.clean(sql)
  return sqltext.trim(without_semicolon(sqltext.trim(without_fence(sqltext.trim(sql)))))
end

return sqltext
