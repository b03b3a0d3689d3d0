--- standins: a query that was written with stand-ins, executed with the real values behind them.
---
--- What is stored, counted and shown is the query as it was written; only the server sees the other one. What
--- the server says about it goes back the same way: in its sentences real values become stand-ins again, and what
--- it quotes from the data is left out.

local guard = require "nlsql.guard"
local json = require "nlsql.json"
local sql = require "nlsql.sql"

local standins = {}

---@class nlsql.Disguise
---@field text string                 the query as it is executed
---@field back table<string, string>  stand-ins by the real values that are in it

--- --- one literal ---------------------------------------------------------------------------------

--- The value behind a text, or nil: as it is written, or in the letter case that a function gave the other side.
local function behind(anon, text, literal, back)
  local real = anon:real(text, literal.table, literal.column, literal.op)
  if real == nil and (literal.folded or literal.op == "ilike" or literal.op == "~*") and anon.real_folded then
    real = anon:real_folded(text)
    if real and literal.folded == "lower" then real = real:lower() end
    if real and literal.folded == "upper" then real = real:upper() end
  end
  if real == nil or real == text then return nil end
  back[real] = text
  return real
end

local function like_escape(text) return (text:gsub("[\\%%_]", "\\%0")) end
local function like_plain(text) return (text:gsub("\\(.)", "%1")) end

--- A pattern of LIKE: what stands between wildcards, whole if possible, else each piece of its own.
local function like(anon, pattern, literal, back)
  local head, core, tail = pattern:match("^(%%*)(.-)(%%*)$")
  if core == "" then return nil end
  if pattern:find("\\%%$") then -- an escaped % at the end is of the core
    core, tail = core .. "%", tail:sub(2)
  end
  local real = behind(anon, like_plain(core), literal, back)
  if real then return head .. like_escape(real) .. tail end
  local changed = false
  local out = pattern:gsub("[^%%]+", function(piece)
    local found = not piece:find("\\$") and behind(anon, like_plain(piece), literal, back)
    changed = changed or found ~= nil and found ~= false
    return found and like_escape(found) or nil
  end)
  return changed and out or nil
end

--- A regular expression that is a plain text, anchored or not.
local function regex(anon, pattern, literal, back)
  local head, core, tail = pattern:match("^(%^?%.?%*?)(.-)(%.?%*?%$?)$")
  local plain = core:gsub("\\([%p])", "%1")
  local real = plain ~= "" and behind(anon, plain, literal, back)
  return real and head .. real:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?{}|\\]", "\\%0") .. tail or nil
end

--- The element of an array's text that starts at `at`, and where it is over; nil where it is none of one dimension.
local function element(inner, at)
  if inner:sub(at, at) ~= '"' then return inner:match('^([^,{}"]*)()', at) end
  local stop = at + 1
  while stop <= #inner and inner:sub(stop, stop) ~= '"' do stop = stop + (inner:sub(stop, stop) == "\\" and 2 or 1) end
  return inner:sub(at + 1, stop - 1):gsub("\\(.)", "%1"), stop + 1
end

--- Each element of an array's text, '{a,"b c"}'; nil where nothing changes.
local function array(anon, text, literal, back)
  local inner = text:match("^{(.+)}$")
  local out, at, changed = {}, 1, false
  while inner and at <= #inner + 1 do
    local one, over = element(inner, at)
    if over <= #inner and inner:sub(over, over) ~= "," then return nil end
    local real = behind(anon, one, literal, back)
    changed = changed or real ~= nil
    out[#out + 1] = one == "NULL" and one or '"' .. (real or one):gsub('[\\"]', "\\%0") .. '"'
    at = over + 1
  end
  return changed and "{" .. table.concat(out, ",") .. "}" or nil
end

--- Each text of a JSON document; nil where nothing changes.
local function document(anon, text, literal, back)
  local value, changed = json.decode(text), false
  if type(value) ~= "table" then return nil end
  local function walk(one)
    if type(one) == "string" then
      local real = behind(anon, one, literal, back)
      changed = changed or real ~= nil
      return real or one
    elseif type(one) ~= "table" then
      return one
    end
    for name, member in pairs(one) do one[name] = walk(member) end
    return one
  end
  walk(value)
  return changed and json.encode(value) or nil
end

local PATTERNS = { like = like, ilike = like, similar = like, ["~"] = regex, ["~*"] = regex, ["!~"] = regex, ["!~*"] = regex }

local function real_of(anon, literal, back)
  local text = literal.text
  local real = behind(anon, text, literal, back)
  if real or literal.number then return real end
  local read = PATTERNS[literal.op]
  if read then return read(anon, text, literal, back) end
  if text:find("^%s*[{%[]") then return document(anon, text, literal, back) or array(anon, text, literal, back) end
  return nil
end

--- --- a query -------------------------------------------------------------------------------------

--- The query with real values; nil where it has no stand-in, so that it is executed as it is. nil and a sentence
--- where it has, and they cannot be replaced.
---@param ctx nlsql.Context
---@param statement nlsql.Statement
---@return nlsql.Disguise?
---@return string? message
function standins.open(ctx, statement)
  local anon = ctx.anon
  if not anon or anon:raw() then return nil end
  local literals = statement:literals(ctx.schema)
  local values, back, some = {}, {}, false
  for i, literal in ipairs(literals or {}) do
    local real = real_of(anon, literal, back)
    values[i], some = real or false, some or real ~= nil
  end
  if not some then return nil end
  local text, why = statement:with(values)
  if not text then return nil, why end
  return { text = text, back = back }
end

--- Is the query safe with the real values too? A name can be a value ('pg_authid'::regclass).
---@param ctx nlsql.Context
---@param disguise nlsql.Disguise
---@return boolean
function standins.safe(ctx, disguise)
  local statement <close> = sql.parse(disguise.text)
  return statement ~= nil and statement:safe(ctx.schema, ctx.settings.safe) == true
end

--- --- what the server says --------------------------------------------------------------------------

--- What may be quoted: names of the schema, words of the query.
local function words_of(text, into)
  for word in text:lower():gmatch("[%w_\x80-\xff]+") do into[word] = true end
  return into
end

local schemas = setmetatable({}, { __mode = "k" }) -- words by schema

local function schema_words(schema)
  local known = schemas[schema]
  if not known then
    known = {}
    for _, ref in ipairs(schema:names()) do
      words_of(ref, known)
      for _, column in ipairs(schema:table(ref).columns) do words_of(column.name .. " " .. column.type, known) end
    end
    schemas[schema] = known
  end
  return known
end

--- Quotation marks of the server's languages.
local QUOTES = { { '"', '"' }, { "»", "«" }, { "«", "»" }, { "„", "“" }, { "“", "”" }, { "`", "'" }, { "'", "'" } }

local function unquoted(message, allowed)
  for _, marks in ipairs(QUOTES) do
    local open, close = marks[1], marks[2]
    local out, at = {}, 1
    while true do
      local first, opened = message:find(open, at, true)
      local last, closed
      if first then last, closed = message:find(close, opened + 1, true) end
      if not last then break end
      local inner, known = message:sub(opened + 1, last - 1), true
      for word in inner:lower():gmatch("[%w_\x80-\xff]+") do known = known and allowed(word) end
      out[#out + 1] = message:sub(at, opened) .. (known and inner or "…") .. close
      at = closed + 1
    end
    message = table.concat(out) .. message:sub(at)
  end
  return message
end

--- Bytes of a real value that is looked for in a sentence; a shorter one is seen where it is quoted.
local SHORT = 4

--- The text with stand-ins for the real values of the query.
local function undone(disguise, text)
  local reals = {}
  for real in pairs(disguise and disguise.back or {}) do
    if #real >= SHORT then reals[#reals + 1] = real end
  end
  table.sort(reals, function(a, b) return #a > #b or #a == #b and a < b end)
  for _, real in ipairs(reals) do
    for _, spelling in ipairs { real, (real:gsub("'", "''")), assert(json.encode(real)):sub(2, -2) } do
      text = guard.replace(text, spelling, disguise.back[real])
    end
  end
  return text
end

--- The plan of the query as others may see it: its conditions name values.
---@param ctx nlsql.Context
---@param disguise nlsql.Disguise
---@param plan string
---@return string
function standins.plan(ctx, disguise, plan) return guard.mask(ctx, undone(disguise, plan)) end

--- A sentence of the server about a query, as others may read it: real values become the stand-ins of the query,
--- and what is quoted that is neither in the query nor a name of the schema becomes "…", since it is data.
---@param ctx nlsql.Context
---@param query string             as it was written
---@param disguise nlsql.Disguise?
---@param message string?
---@return string?
function standins.said(ctx, query, disguise, message)
  local anon = ctx.anon
  if not message or not anon or anon:raw() then return message end
  if message:find("\n", 1, true) then message = message:match("^[^\n]*") .. " …" end -- a document, line by line
  message = undone(disguise, message)
  local of_query, of_schema = words_of(query, {}), schema_words(ctx.schema)
  message = unquoted(message:gsub("=%(.-%)", "=(…)"), function(word) return of_query[word] or of_schema[word] end)
  return anon.protected:find(message) and "the server's message holds values of the data" or message
end

return standins
