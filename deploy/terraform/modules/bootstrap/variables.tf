variable "middleware" {
  description = "Path of deploy/middleware."
  type        = string
}

variable "purpose" {
  description = "development or production."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "facts" {
  description = "The facts of the cluster, with the keys of deploy/middleware/applications/values.yaml."
  type = object({
    cluster      = object({ name = string, purpose = string, region = string, zone = string })
    repository   = object({ url = string, revision = string })
    overrides    = object({ url = string })
    aws          = object({ account = string, hostedZoneId = string, gatewayLoadBalancer = string, vpcCidr = string, storageKeyArn = string, backupBucket = string, logBucket = string })
    gateway      = object({ domains = string })
    acme         = object({ email = string })
    oidc         = object({ issuer = string, clientId = string })
    teleport     = object({ host = string })
    controlPlane = object({ url = string })
  })
}
