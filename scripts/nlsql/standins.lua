--- standins: a query that was written with stand-ins, executed with the real values behind them.
---
--- What is stored, counted and shown is the query as it was written; only the server sees the other one. What
--- the server says about it goes back the same way: in its sentences real values become stand-ins again, and what
--- it quotes from the data is left out.

local catalog = require "nlsql.catalog"
local guard = require "nlsql.guard"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local sql = require "nlsql.sql"

local standins = {}

--- Bytes of a value that is looked for in a sentence of the server, where a shorter one is seen if it is quoted, and
--- of a literal that is a value without a column beside it.
local SHORT = 4

---@class nlsql.Disguise
---@field text string                 the query as it is executed
---@field back table<string, string>  stand-ins by the real values that are in it

--- Classes whose stand-ins lie beside their values.
local NEAR = { amount = true, coordinate = true, date = true }

--- --- one literal ---------------------------------------------------------------------------------

--- Operators beside which a literal is a value of the column, not a part of a calculation.
local EQUAL = { ["="] = true, ["<>"] = true, ["in"] = true, any = true, all = true, case = true, ["@>"] = true, ["<@"] = true,
  ["&&"] = true }
local RANGES = { ["<"] = true, ["<="] = true, [">"] = true, [">="] = true, between = true }

--- Distinct values of a column that are read to find what a stand-in stands for.
local MOST_VALUES = 20000

--- Values between two turns of the loop.
local TURN = 200

--- All values of a column (the first MOST_VALUES of them) by their stand-ins: what a query names may have been seen in
--- an earlier run. Asks the database once.
local function values_of(ctx, ref, column)
  ctx.values_behind = ctx.values_behind or {}
  return jobs.once(ctx.values_behind, ref .. "." .. column, function()
    local name, found = catalog.quote(column), {}
    local result = ctx.db:query(("SELECT DISTINCT %s::text FROM %s WHERE %s IS NOT NULL ORDER BY 1 LIMIT %d"):format(name,
      ctx.schema:table(ref).reference, name, MOST_VALUES), nil, { statement_timeout = 10, max_rows = MOST_VALUES,
      max_field = 1 << 16, max_bytes = 32 << 20 })
    for i, row in ipairs(result and result.rows or {}) do
      if i % TURN == 0 then jobs.sleep(0) end -- others are under way too
      local other = ctx.anon:value(ref, column, row[1])
      if other ~= row[1] then found[tonumber(other) or other] = row[1] end
    end
    return found
  end)
end

--- Folds a text as the function of that name does.
local function fold(text, name) return name == "lower" and text:lower() or name == "upper" and text:upper() or text end

--- The value behind a text of words: as it is written, or in the letter case that the other side is given.
local function in_words(anon, text, literal)
  local real = anon:real(text)
  if real or not (literal.folded or literal.op == "ilike" or literal.op == "~*") then return real end
  if fold(text, literal.folded) ~= text then return nil end
  real = anon:real_folded(text)
  return real and fold(real, literal.folded)
end

--- The value behind a text, for a literal that is compared with a column or not.
local function behind_literal(ctx, text, literal)
  local ref, column, anon = literal.table, literal.column, ctx.anon
  local class = ref and anon:decision(ref, column).class or "keep"
  -- dates and amounts move a little: a range means the same as it is, a value must be the very one
  if NEAR[class] then return EQUAL[literal.op] and values_of(ctx, ref, column)[tonumber(text) or text] or nil end
  local real = not literal.number and in_words(anon, text, literal) or nil
  if real ~= nil or class == "keep" then return real end
  real = values_of(ctx, ref, column)[tonumber(text) or text]
  return real or not literal.number and in_words(anon, text, literal) or nil -- part of a document, another case
end

--- The value behind a text, or nil.
local function behind(ctx, text, literal, back)
  local real = behind_literal(ctx, text, literal)
  if real == nil or real == text then return nil end
  back[real] = text
  return real
end

local function like_escape(text) return (text:gsub("[\\%%_]", "\\%0")) end
local function like_plain(text) return (text:gsub("\\(.)", "%1")) end

--- A pattern of LIKE: what stands between wildcards, whole if possible, else each piece of its own.
local function like(ctx, pattern, literal, back)
  local head, core, tail = pattern:match("^(%%*)(.-)(%%*)$")
  if core == "" then return nil end
  if pattern:find("\\%%$") then -- an escaped % at the end is of the core
    core, tail = core .. "%", tail:sub(2)
  end
  local real = behind(ctx, like_plain(core), literal, back)
  if real then return head .. like_escape(real) .. tail end
  local changed = false
  local out = pattern:gsub("[^%%]+", function(piece)
    local found = not piece:find("\\$") and behind(ctx, like_plain(piece), literal, back)
    changed = changed or found ~= nil and found ~= false
    return found and like_escape(found) or nil
  end)
  return changed and out or nil
end

--- A regular expression that is a plain text, anchored or not.
local function regex(ctx, pattern, literal, back)
  local head, core, tail = pattern:match("^(%^?%.?%*?)(.-)(%.?%*?%$?)$")
  local plain = core:gsub("\\([%p])", "%1")
  local real = plain ~= "" and behind(ctx, plain, literal, back)
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
local function array(ctx, text, literal, back)
  local inner = text:match("^{(.+)}$")
  local out, at, changed = {}, 1, false
  while inner and at <= #inner + 1 do
    local one, over = element(inner, at)
    if over <= #inner and inner:sub(over, over) ~= "," then return nil end
    local real = behind(ctx, one, literal, back)
    changed = changed or real ~= nil
    out[#out + 1] = one == "NULL" and one or '"' .. (real or one):gsub('[\\"]', "\\%0") .. '"'
    at = over + 1
  end
  return changed and "{" .. table.concat(out, ",") .. "}" or nil
end

--- Each text of a JSON document; nil where nothing changes.
local function document(ctx, text, literal, back)
  local value, changed = json.decode(text), false
  if type(value) ~= "table" then return nil end
  local function walk(one)
    if type(one) == "string" then
      local real = behind(ctx, one, literal, back)
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

--- A short text, or a number, that nothing compares with a column stands for itself: to_char(x, 'Q'), LIMIT 4711.
local function means_itself(literal)
  return not literal.column and (literal.number or #literal.text < SHORT)
    or literal.number and not EQUAL[literal.op] and not RANGES[literal.op]
end

local function real_of(ctx, literal, back)
  local text = literal.text
  if means_itself(literal) then return nil end
  local real = behind(ctx, text, literal, back)
  if real or literal.number then return real end
  local read = PATTERNS[literal.op]
  if read then return read(ctx, text, literal, back) end
  if text:find("^%s*[{%[]") then return document(ctx, text, literal, back) or array(ctx, text, literal, back) end
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
    local real = real_of(ctx, literal, back)
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
