--- spoil: faults put into good pairs on purpose, one kind for each gate that is to find it.
---
--- `error_rate` of the configuration asks for them, so that gates and critic have real work where no
--- model is at hand. Each kind can be mended from the query and the complaint about it, without the
--- original, but for those that the critic is never called on: read, answer and unique.

local spoil = {}

--- Replaces the first match outside quotes; nil where there is none.
local function replace(query, pattern, with)
  local at = 1
  while true do
    local from, to = query:find(pattern, at)
    if not from then return nil end
    local _, quotes = query:sub(1, from - 1):gsub("'", "")
    if quotes % 2 == 0 then
      local new = type(with) == "function" and with(query:sub(from, to)) or with
      if new then return query:sub(1, from - 1) .. new .. query:sub(to + 1) end
    end
    at = to + 1
  end
end

local MISSPELT = { { "SELECT ", "SELCT " }, { " FROM ", " FORM " }, { " WHERE ", " WEHRE " }, { " GROUP BY ", " GRUOP BY " } }

--- Gates, and what is done to a pair so that it falls there: returns the new question and query, or nil
--- where this pair cannot be spoilt that way.
---@type table<string, fun(draw: nlsql.Draw, pair: nlsql.GrammarPair, given: table): string?, string?>
local KINDS = {
  read = function(_, pair) return "", pair.sql end,

  parse = function(draw, pair)
    local able = {}
    for _, one in ipairs(MISSPELT) do
      if replace(pair.sql, one[1], one[2]) then able[#able + 1] = one end
    end
    local one = draw:pick(able)
    return pair.question, one and replace(pair.sql, one[1], one[2])
  end,

  safe = function(draw, pair)
    local into = draw:chance(0.5) and replace(pair.sql, "[^R] FROM ", function(found) -- not that of EXTRACT(YEAR FROM …)
      return found:sub(1, 1) .. " INTO kept_result FROM "
    end)
    return pair.question, into or pair.sql .. " FOR UPDATE"
  end,

  grounded = function(_, pair, given)
    return pair.question, replace(pair.sql, "%f[%w]%l%w*%.[%a_][%w_]*", function(found)
      local wrong = found .. "_x"
      return not given.is_column(wrong:match("%.(.*)$")) and wrong or nil
    end) or replace(pair.sql, " FROM [%a_][%w_]*", function(found) return found .. "_x" end)
  end,

  explain = function(draw, pair)
    local number = draw:chance(0.7) and replace(pair.sql, "[<>=] %-?%d+%.?%d*%f[^%w.]", function(found)
      local operator, digits = found:match("^(. )(.*)$")
      return ("%s'%s ca.'"):format(operator, digits)
    end)
    if number then return pair.question, number end
    return pair.question, not pair.sql:find("LIMIT") and pair.sql .. " LIMIT 'all'" or nil
  end,

  execute = function(_, pair, given)
    return pair.question, pair.sql .. (" OFFSET (SELECT 1 / count(*) FROM %s WHERE false)"):format(given.tables[1])
  end,

  answer = function(_, pair)
    local limited = replace(pair.sql, " LIMIT %d+$", " LIMIT 0")
    return pair.question, limited or pair.sql .. " LIMIT 0"
  end,

  accept = function(_, pair, given)
    if given.least < 2 then return nil end
    return pair.question, ("SELECT count(*) FROM %s"):format(given.tables[1])
  end,

  unique = function(draw, _, given)
    if #given.earlier == 0 then return nil end
    local earlier = table.remove(given.earlier, draw:int(#given.earlier)) -- each once
    return earlier.question, (earlier.sql:gsub("^%u+", string.lower)) -- the reader drops what is the same to the letter
  end,
}

--- The kinds, in the order of the gates.
spoil.KINDS = { "read", "parse", "safe", "grounded", "explain", "execute", "answer", "accept", "unique" }

---@class nlsql.SpoilGiven
---@field tables string[]
---@field least integer          tables that the phase wants joined
---@field earlier nlsql.GrammarPair[] good pairs of the same reply
---@field is_column fun(name: string): boolean

--- A spoilt copy of the pair and the gate that is to find it; nil where no kind fits.
---@param draw nlsql.Draw
---@param pair nlsql.GrammarPair
---@param given nlsql.SpoilGiven
---@return { question: string, sql: string }?, string?
function spoil.pair(draw, pair, given)
  for _, name in ipairs(draw:shuffled(spoil.KINDS)) do
    local question, query = KINDS[name](draw, pair, given)
    if query then return { question = question, sql = query }, name end
  end
end

return spoil
