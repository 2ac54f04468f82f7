-- Argo CD's health of an SSHCredential: green only when the operator has answered the present spec.
--
-- To install it, put this file's text into the ConfigMap argocd-cm in Argo CD's namespace, under the key
--   resource.customizations.health.sshcredentials.dev_SSHCredential
-- for example: kubectl -n argocd patch configmap argocd-cm --type merge -p "$(jq -n --rawfile lua health.lua \
--   '{data: {"resource.customizations.health.sshcredentials.dev_SSHCredential": $lua}}')"
-- Argo CD takes it up by itself. `obj` is the object; the words for `status` are Argo CD's.

local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function is_true(kind)
  local condition = conditions[kind]
  return condition ~= nil and condition.status == "True" and condition.observedGeneration == obj.metadata.generation
end

if obj.metadata.deletionTimestamp ~= nil then
  return { status = "Progressing", message = "The credential is being deleted." }
end
if is_true("Stalled") then
  return { status = "Degraded", message = conditions.Stalled.message }
end
if obj.spec.suspend then
  return { status = "Suspended", message = "Nothing is changed while spec.suspend is true." }
end
if status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "The operator has not answered this spec yet." }
end
if is_true("Reconciling") then
  return { status = "Progressing", message = conditions.Reconciling.message }
end
if is_true("Ready") then
  return { status = "Healthy", message = conditions.Ready.message }
end
return { status = "Progressing", message = (conditions.Ready or {}).message or "The operator is not done yet." }
