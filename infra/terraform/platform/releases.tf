# What runs beside the service. Versions are exact; what is ours in the values comes from observability/, as it was generated.

locals {
  releases = {
    kube-prometheus-stack = {
      repository = "https://prometheus-community.github.io/helm-charts"
      version    = "88.5.3"
      namespace  = "observability"
      values = [
        yamlencode({ alertmanager = { config = yamldecode(file("${local.observability}/alertmanager/alertmanager.yml")) } }),
        yamlencode(local.cloud.remote_write_url == null ? {} : {
          prometheus = { prometheusSpec = { remoteWrite = [{ url = local.cloud.remote_write_url, sigv4 = { region = var.region } }] } }
        }),
      ]
    }
    opentelemetry-collector = {
      repository = "https://open-telemetry.github.io/opentelemetry-helm-charts"
      version    = "0.170.0"
      namespace  = "observability"
      values     = [yamlencode({ alternateConfig = yamldecode(file("${local.observability}/collector/config.yaml")) })]
    }
    metrics-server = {
      repository = "https://kubernetes-sigs.github.io/metrics-server/"
      version    = "3.13.0"
      namespace  = "kube-system"
      values     = []
    }
    aws-load-balancer-controller = {
      repository = "https://aws.github.io/eks-charts"
      version    = "3.5.0"
      namespace  = "kube-system"
      # Said, as a pod can't ask the instance for them.
      values = [yamlencode({ clusterName = local.cloud.cluster_name, region = var.region, vpcId = local.cloud.vpc_id })]
    }
  }
}

resource "helm_release" "this" {
  for_each = local.releases

  name             = each.key
  repository       = each.value.repository
  chart            = each.key
  version          = each.value.version
  namespace        = each.value.namespace
  create_namespace = each.value.namespace != "kube-system"
  atomic           = true
  timeout          = 600
  values           = concat([file("${path.module}/values/${each.key}.yaml")], each.value.values)
}

# Where the service may be, and who may put it there: not the deployer's to change.
resource "helm_release" "namespace" {
  name      = "namespace"
  chart     = "${local.charts}/namespace"
  namespace = "kube-system"
}

# The first release; from then on a deploy promotes by digest, and Terraform leaves it alone.
resource "helm_release" "inference" {
  # Kinds that the chart has objects of.
  depends_on = [helm_release.this, helm_release.namespace]

  name      = "inference"
  chart     = "${local.charts}/inference"
  namespace = "inference"
  values = [
    file("${path.module}/../cloud/environments/${var.environment}/inference.yaml"),
    yamlencode({
      image          = var.image
      targetGroupArn = local.cloud.target_group_arn
      trustedProxies = local.cloud.trusted_proxies
      secrets        = { aws = local.cloud.secret_names }
    }),
  ]

  lifecycle {
    ignore_changes = [set, values, version]
  }
}
