--- refusal: why a pair of columns is no candidate at all, in a sentence.

local relations = require "nlsql.relations"

local refusal = {}

local function of_scan(scan, ref, name)
  for at, column in ipairs(scan.columns) do
    if column.table == ref and column.column == name then return column, at end
  end
end

local function skipped(scan, ref, name)
  for _, one in ipairs(scan.skipped or {}) do
    if one.table == ref and (one.column == nil or one.column == name) then return one.reason end
  end
end

--- Why the first does not refer to the second.
---@param world { schema: nlsql.Catalog, scan: table, overlaps: nlsql.DiscoveryOverlaps, min_containment: number }
---@param relation nlsql.Relation
---@return string
function refusal.of(world, relation)
  local from, to = relations.side(relation.from, relation.columns), relations.side(relation.to, relation.referred)
  local fit, why = relations.comparable(world.schema, relation)
  if not fit then return why end
  if #relation.columns > 1 then
    return ("%s together were not tried: %s is no declared key, or some value of a part is found too rarely"):format(from, to)
  end
  local sides = {}
  for i, one in ipairs { { relation.from, relation.columns[1] }, { relation.to, relation.referred[1] } } do
    local column, at = of_scan(world.scan, one[1], one[2])
    if not column then
      local reason = skipped(world.scan, one[1], one[2])
      return ("%s was not scanned%s"):format(relations.side(one[1], { one[2] }), reason and ": " .. reason
        or " (views are left out without --views)")
    end
    sides[i] = { column = column, at = at }
  end
  local child, parent = sides[1].column, sides[2].column
  if child.distinct == 0 then return ("%s holds no value that could refer to anything"):format(from) end
  local common = world.overlaps:common(sides[1].at, sides[2].at)
  if common and common / child.distinct < world.min_containment then
    return ("%d of the %d distinct values of %s are not in %s"):format(child.distinct - common, child.distinct, from, to)
  elseif common then
    return ("%s is not unique: its %d rows hold %d distinct values, so a value of %s names no one row"):format(to,
      parent.rows - parent.nulls, parent.distinct, from)
  end
  if world.scan.left_out then
    return ("either hardly a value of %s is found in %s, or others hold its values better (there are %d pairs of columns "
      .. "more than are looked at)"):format(from, to, world.scan.left_out)
  end
  return ("hardly a value of %s is found in %s"):format(from, to)
end

return refusal
