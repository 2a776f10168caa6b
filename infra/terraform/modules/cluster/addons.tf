# What every node and every other pod needs, in versions that somebody chose. These don't need nodes; those that do are
# the root's business, after the nodes.

resource "aws_eks_addon" "before_nodes" {
  for_each = var.addons

  cluster_name  = aws_eks_cluster.this.name
  addon_name    = each.key
  addon_version = each.value.version
  # A setting that somebody changed by hand is an error when it is first met, and gone with the next version.
  resolve_conflicts_on_create = "NONE"
  resolve_conflicts_on_update = "OVERWRITE"
  configuration_values        = each.value.configuration
}
