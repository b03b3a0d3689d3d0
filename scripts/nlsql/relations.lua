--- relations: columns of one table that refer to those of another: the declared ones, claims about
--- undeclared ones, and what such a claim is worth.
---
--- A claim is verified before it is believed: the columns exist (`grounded`), their types can be
--- compared, the child's values are found among the parent's, which are unique (else `untrue`).
---
--- Confidence, 0 to 1, of a relation:
---
---   declared by a foreign key          1
---   written by hand in the config      0.99 × the share of the values that are found
---   proposed                           0.95 × the sum of
---     values   0.35  all of them are found in the parent; 0.21 where some are not, though no more
---                    than is tolerated; × 0.9 where only a sample was looked at; × 0.5 where they
---                    would be found by accident too (chance above 0.05: see nlsql.containment)
---     unique   0.15  the parent's values are unique
---     names    0.25  × how far the names agree: see nlsql.relationnames
---     opinion  0.25  the model, asked once more, agrees; half of it where it was not asked or gave
---                    no answer that could be read; none where it does not
---
--- So a serial number that happens to lie among another table's keys comes to no more than 0.55, and
--- one that is also called like them to 0.78.

local catalog = require "nlsql.catalog"
local containment = require "nlsql.containment"
local relationnames = require "nlsql.relationnames"

local relations = {}

--- How far the names of a relation agree, 0 to 1: see nlsql.relationnames.
relations.names = relationnames.score

---@class nlsql.Relation
---@field from string        the child, as SQL names it
---@field columns string[]   its columns, as the catalog has them
---@field to string          the parent
---@field referred string[]  its columns, in the same order
---@field declared boolean?  by a foreign key
---@field by_hand boolean?   in the configuration
---@field found nlsql.FoundRelation?  in the data: see nlsql.discovered
---@field mutual boolean?    the parent's columns refer to the child's too
---@field name string?       of the foreign key

--- Chance from which on a containment may be an accident.
local ACCIDENT = 0.05

--- Share of the values that the parent must have, where nobody says.
relations.MIN_CONTAINMENT = 0.95

--- --- names in texts ------------------------------------------------------------------------------

--- The columns of a table as a text has them: a.x, or (a.x, a.y).
---@param ref string
---@param columns string[]
---@return string
function relations.side(ref, columns)
  local out = {}
  for i, name in ipairs(columns) do out[i] = ref .. "." .. catalog.quote(name) end
  return #out == 1 and out[1] or "(" .. table.concat(out, ", ") .. ")"
end

--- The relation as text, "a.x -> b.y". The pairs of columns are in the order of the child's, so the same
--- relation has the same text.
---@param relation nlsql.Relation
---@return string
function relations.text(relation)
  return relations.side(relation.from, relation.columns) .. (relation.mutual and " <-> " or " -> ")
    .. relations.side(relation.to, relation.referred)
end

--- The same however its columns are ordered and whichever way it is seen.
local function identity(relation)
  local pairs_of, flip = {}, {}
  for i, name in ipairs(relation.columns) do
    pairs_of[i] = ("%q=%q"):format(name, relation.referred[i])
    flip[i] = ("%q=%q"):format(relation.referred[i], name)
  end
  table.sort(pairs_of)
  table.sort(flip)
  return ("%q>%q:"):format(relation.from, relation.to) .. table.concat(pairs_of, ","),
    ("%q>%q:"):format(relation.to, relation.from) .. table.concat(flip, ",")
end

---@class nlsql.RelationSet
local Set = {}
Set.__index = Set

--- A set of relations, which knows a relation from the other side too.
---@return nlsql.RelationSet
function relations.set() return setmetatable({ known = {} }, Set) end

---@param relation nlsql.Relation
function Set:add(relation) self.known[(identity(relation))] = relation end

--- The relation of the set that this one is, and whether it is seen from the other side.
---@param relation nlsql.Relation
---@return nlsql.Relation?, boolean? reversed
function Set:find(relation)
  local key, other = identity(relation)
  if self.known[key] then return self.known[key], false end
  if self.known[other] then return self.known[other], true end
end

--- --- what is declared ----------------------------------------------------------------------------

--- The foreign keys, and the relations that the configuration or discovery added to them, each once: a key that was
--- declared twice, or that goes both ways, is one relation. In the order of the catalog.
---@param schema nlsql.Catalog
---@return nlsql.Relation[]
function relations.declared(schema)
  local out, set = {}, relations.set()
  for _, edge in ipairs(schema:edges()) do
    local relation = { from = edge.from, columns = edge.columns, to = edge.to, referred = edge.referred_columns,
      name = edge.name, declared = edge.declared ~= false }
    relation.found = not relation.declared and require("nlsql.discovered").of(schema, relation) or nil
    relation.by_hand = not relation.declared and not relation.found
    local known, reversed = set:find(relation)
    if not known then
      set:add(relation)
      out[#out + 1] = relation
    elseif reversed and known.declared and relation.declared then
      known.mutual = true
    end
  end
  return out
end

--- The relations that need no proposal: the declared ones, read once for a context.
---@param ctx nlsql.Context
---@return nlsql.Relation[]
function relations.known(ctx)
  ctx.known_relations = ctx.known_relations or relations.declared(ctx.schema)
  return ctx.known_relations
end

--- --- what the data supports --------------------------------------------------------------------

--- All relations that the data supports, declared or not, each with its score and the reasons for it: see
--- nlsql.discovery. Reads the whole database once. nil, message, code where it could not.
---@param source { schema: nlsql.Catalog, db: nlsql.Db, stats: table? }  a context serves
---@param options { tables: string[]?, views: boolean?, threshold: number?, all: boolean?, scan: table? }?
---@return nlsql.Discovered?
---@return string? message
---@return nlsql.Code? code
function relations.discover(source, options) return require("nlsql.discovery").find(source, options) end

--- --- claims --------------------------------------------------------------------------------------

local function list(names) return table.concat(names, ", ") end

--- A column of the table, however a person writes it: exactly, quoted, or in other capitals where
--- only one is meant.
local function find_column(t, written)
  local bare, found = (written:match('^"(.*)"$') or written):gsub('""', '"'), nil
  for _, column in ipairs(t.columns) do
    if column.name == written or column.name == bare then return column end
    if column.name:lower() == bare:lower() then found = found == nil and column or false end
  end
  return found or nil
end

local function nearest_column(t, written)
  local names = {}
  for i, column in ipairs(t.columns) do names[i] = column.name end
  return require("nlsql.options").did_you_mean(written, names)
end

local function find_side(schema, written, names)
  local ref = schema:find(written)
  if not ref then
    local near = schema:nearest(written)
    return nil, ("there is no table %s%s"):format(written, near and (" (did you mean %s?)"):format(near) or "")
  end
  local t, columns, seen = schema:table(ref), {}, {}
  for i, name in ipairs(names) do
    local column = find_column(t, name)
    if not column then return nil, ("%s has no column %s%s"):format(ref, name, nearest_column(t, name)) end
    if seen[column.name] then return nil, ("%s is named twice"):format(relations.side(ref, { column.name })) end
    seen[column.name] = true
    columns[i] = column
  end
  return ref, columns
end

local function names_of(columns)
  local out = {}
  for i, column in ipairs(columns) do out[i] = column.name end
  return out
end

--- The relation that a claim is about, or nil and what of it does not exist.
---@param schema nlsql.Catalog
---@param claim { from: string, columns: string[], to: string, referred: string[] } as somebody wrote them
---@return nlsql.Relation?, string? reason
function relations.find(schema, claim)
  local from, columns = find_side(schema, claim.from, claim.columns)
  if not from then return nil, columns --[[@as string]] end
  local to, referred = find_side(schema, claim.to, claim.referred)
  if not to then return nil, referred --[[@as string]] end
  if #columns ~= #referred then
    return nil, ("%d columns (%s) cannot refer to %d (%s)"):format(#columns, list(names_of(columns)), #referred,
      list(names_of(referred)))
  end
  return { from = from, columns = names_of(columns), to = to, referred = names_of(referred) }
end

--- Types whose values can be equal, by the category of their base type.
local function family(column)
  local category, base = column.category, column.base_type:gsub("%(.*$", "")
  if category == "N" then return base ~= "money" and "number" or "money" end
  if category == "S" then return "text" end
  if category == "D" or category == "E" or category == "I" or base == "uuid" then return base end
  return nil
end

--- Can the values of both sides be compared, pair by pair? If not: nil and why.
---@param schema nlsql.Catalog
---@param relation nlsql.Relation
---@return boolean?, string? reason
function relations.comparable(schema, relation)
  local child, parent = schema:table(relation.from), schema:table(relation.to)
  for i, name in ipairs(relation.columns) do
    local a, b = find_column(child, name), find_column(parent, relation.referred[i])
    local kind = family(a)
    for _, one in ipairs { { a, relation.from }, { b, relation.to } } do
      if not family(one[1]) then
        return nil, ("%s is %s: such values are no key"):format(relations.side(one[2], { one[1].name }), one[1].type)
      end
    end
    if kind ~= family(b) then
      return nil, ("%s is %s and %s is %s: no value of one equals one of the other"):format(
        relations.side(relation.from, { name }), a.type, relations.side(relation.to, { b.name }), b.type)
    end
  end
  return true
end

local function same_side(relation)
  if relation.from ~= relation.to then return false end
  local inside = {}
  for _, name in ipairs(relation.columns) do inside[name] = true end
  for _, name in ipairs(relation.referred) do
    if not inside[name] then return false end
  end
  return true
end

--- The sentence that refuses a claim, or nil where the data bears it out.
local function refutation(relation, evidence, least)
  local from, to = relations.side(relation.from, relation.columns), relations.side(relation.to, relation.referred)
  if evidence.distinct == 0 then return ("%s holds no value that could refer to anything"):format(from) end
  if evidence.share < least or evidence.share == 0 then
    return ("%d of the %d distinct values of %s are not in %s (%d of %d rows%s)"):format(evidence.orphans, evidence.distinct,
      from, to, evidence.orphan_rows, evidence.rows, evidence.sampled and ", of a sample" or "")
  end
  if not evidence.unique then
    return ("%s is not unique: %d of its values stand in several rows, so a value of %s names no one row"):format(to,
      evidence.repeated, from)
  end
end

--- Verifies a claim against the catalog and the data. Returns what was found; with it, where the claim
--- is refused, the gate and the reason. nil, nil, message, "net" where the database was lost.
---@param ctx nlsql.Context
---@param relation nlsql.Relation of relations.find
---@param options { n_rows: integer?, min_containment: number? }?
---@return nlsql.Evidence?
---@return { gate: string, reason: string }? refused
---@return string? message
---@return string? code
function relations.verify(ctx, relation, options)
  local least = options and options.min_containment or relations.MIN_CONTAINMENT
  if same_side(relation) then
    return nil, { gate = "untrue", reason = "columns do not refer to themselves" }
  end
  local fit, why = relations.comparable(ctx.schema, relation)
  if not fit then return nil, { gate = "untrue", reason = why } end
  local evidence, message, code = containment.check(ctx.db, ctx.schema, relation, {
    n_rows = options and options.n_rows or 500, least = least, statement_timeout = ctx.settings.limits.statement_timeout,
  })
  if not evidence then
    if code == "net" then return nil, nil, message, code end
    return nil, { gate = "execute", reason = "it could not be verified: " .. message }
  end
  local reason = refutation(relation, evidence, least)
  return evidence, reason and { gate = "untrue", reason = reason } or nil
end

--- --- the score -----------------------------------------------------------------------------------

local function percent(share)
  local text = ("%.1f"):format(100 * share):gsub("%.0$", "")
  return text
end

--- Would the values be found there even if they had nothing to do with them?
---@param evidence nlsql.Evidence
---@return boolean
function relations.by_accident(evidence) return evidence.chance ~= nil and evidence.chance > ACCIDENT end

local function values_score(evidence)
  local score = evidence.orphans == 0 and 0.35 or 0.21
  if evidence.sampled then score = score * 0.9 end
  if relations.by_accident(evidence) then score = score * 0.5 end
  return score
end

local OPINION = { [true] = 0.25, [false] = 0 }

--- Odds that a second opinion multiplies those of a found relation with: it agrees, it does not.
local AGREED, DENIED = 4, 0.1

--- The score of a relation that was found in the data (see nlsql.discovery) after a second opinion.
---@param score number      0 to 1
---@param opinion boolean?  nil: there is none
---@return number
function relations.after_opinion(score, opinion)
  if opinion == nil then return score end
  local odds = score * (opinion and AGREED or DENIED)
  return math.floor(odds / (odds + 1 - score) * 1000 + 0.5) / 1000
end

--- What speaks for and against a relation, the most telling first.
local function reasons_of(evidence, names, opinion)
  local out = {}
  if opinion == false then out[1] = "the second opinion does not agree" end
  if relations.by_accident(evidence) then
    out[#out + 1] = ("its values would be found there by accident too (chance %.2f)"):format(evidence.chance)
  end
  out[#out + 1] = ("names agree to %.2f"):format(names)
  out[#out + 1] = ("%s %% of %d distinct values are found%s (%d of %d rows are not)"):format(percent(evidence.share),
    evidence.distinct, evidence.sampled and ", in a sample" or "", evidence.orphan_rows, evidence.rows)
  out[#out + 1] = evidence.unique == "declared" and "the other side is a key" or "the other side's values are unique"
  if opinion == nil then out[#out + 1] = "there is no second opinion" end
  if opinion then out[#out + 1] = "the second opinion agrees" end
  return out
end

--- The confidence that evidence of a claim gives, and the reasons for it: see the top of this file.
---@param evidence nlsql.Evidence  of a claim that was not refused
---@param names number             of relations.names
---@param opinion boolean?         of the model; nil: none
---@return number confidence
---@return string[] reasons
function relations.score(evidence, names, opinion)
  local sum = values_score(evidence) + 0.15 + 0.25 * names + (opinion == nil and 0.125 or OPINION[opinion])
  return math.floor(0.95 * sum * 1000 + 0.5) / 1000, reasons_of(evidence, names, opinion)
end

return relations
