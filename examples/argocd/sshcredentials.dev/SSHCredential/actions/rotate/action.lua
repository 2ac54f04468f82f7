-- Replace the key: ask with the serial after the last one that was answered. One that is asked for already stays.

local answered = (obj.status or {}).rotationSerial
local rotation = obj.spec.rotation or {}
if answered ~= nil and (rotation.serial or 0) <= answered then
  rotation.serial = answered + 1
  obj.spec.rotation = rotation
end
return obj
